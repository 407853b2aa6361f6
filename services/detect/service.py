"""Detect as a function from message to message: frames captured -> faces detected."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from services.detect.batching import together
from services.detect.turns import Turns
from shared.model.errors import Late
from shared.model.frames import DetectedFrame, FacesDetected, FramesCaptured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.detect.batching import Search
    from services.detect.choosing import Finders
    from services.detect.finding import Finder
    from shared.memory.reader import HostReader
    from shared.model.faces import Face
    from shared.runtime.stage import Passage

HINTS = 256
"""So many sessions' last faces are remembered; a hint may be missing at any time."""
STALE_FRAMES = 32
"""Faces of so many frames ago say nothing any more."""
FACES_IN_MESSAGE = 128
"""A face is 5.6 KiB of landmarks and the bus takes 1 MiB in one message: a crowd goes in several."""


class Hint(NamedTuple):
    """The faces of an earlier frame of a session."""

    sequence: int
    """Of that frame; -1 if nothing is known."""
    faces: list[Face] | None


NOTHING = Hint(-1, None)
Found = tuple[DetectedFrame, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """One message that waits or is worked on."""

    passage: Passage[FramesCaptured]
    finder: Finder
    result: asyncio.Future[Found]


class DetectService:
    """Reads frames where they lie and finds the faces. Keeps no state that matters.

    All but the finding happens in the thread of the event loop, so that nothing needs a lock.
    """

    def __init__(self, finders: Finders, readers: Sequence[HostReader], detect_every: int) -> None:
        """readers: one for each thread; a thread works on one message, or on one of each of several sessions."""
        self._finders = finders
        self._every = detect_every
        self._hints: OrderedDict[str, Hint] = OrderedDict()
        self._turns = Turns(detect_every)
        self._works: dict[int, _Work] = {}
        self._threads = ThreadPoolExecutor(len(readers), "detect")
        self._idle = list(readers)

    async def detect(self, passage: Passage[FramesCaptured]) -> list[FacesDetected]:
        """Faces of every frame of the message.

        Raises FrameLost if one is gone, Rejected if the message wants models that are not there.
        """
        message = passage.message
        if not message.frames:
            raise Late("A message without frames.")
        work = _Work(passage, self._finders.of(message.models), asyncio.get_running_loop().create_future())
        self._works[id(message)] = work
        self._turns.add(message)
        self._begin()
        frames = await work.result
        return [
            FacesDetected(lane=message.lane, session=message.session, worker=message.worker, frames=part)
            for part in _parts(frames)
        ]

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        """Give every idle thread something to do."""
        while self._idle and (messages := self._turns.take(len(self._idle))):
            reader = self._idle.pop()
            works = [self._works.pop(id(message)) for message in messages]
            searches = [self._follow(work, self._hint(work.passage.message), reader) for work in works]
            running = asyncio.get_running_loop().run_in_executor(
                self._threads, together, searches, self._finders.batches
            )
            running.add_done_callback(partial(self._end, works, reader))

    def _end(
        self, works: Sequence[_Work], reader: HostReader, running: asyncio.Future[list[Found | Exception]]
    ) -> None:
        self._idle.append(reader)
        for work, outcome in zip(works, running.result(), strict=True):
            message = work.passage.message
            self._turns.end(message)
            if not isinstance(outcome, Exception):
                self._remember(message.session, outcome[-1])
            if not work.result.done():  # else nobody waits any more
                _settle(work.result, outcome)
        self._begin()

    def _follow(self, work: _Work, hint: Hint, reader: HostReader) -> Search[Found]:
        _mark_begin(work.passage)
        found = []
        for frame in work.passage.message.frames:
            with reader.read(frame.reference) as picture:
                faces = yield from work.finder.search(
                    picture,
                    hint.faces,
                    detect=frame.sequence % self._every == 0,
                    turn=0 if hint.faces is None else -(-frame.sequence // self._every),
                    stale=hint.sequence != frame.sequence - 1,
                )
            found.append(DetectedFrame(frame, tuple(faces)))
            hint = Hint(frame.sequence, faces)
        return tuple(found)

    def _hint(self, message: FramesCaptured) -> Hint:
        """The faces of the frame just before, or of one not long before."""
        hint = self._hints.get(message.session, NOTHING)
        return hint if 0 < message.frames[0].sequence - hint.sequence <= STALE_FRAMES else NOTHING

    def _remember(self, session: str, last: DetectedFrame) -> None:
        sequence = last.captured.sequence
        if sequence < self._hints.get(session, NOTHING).sequence:
            return
        self._hints[session] = Hint(sequence, list(last.faces))
        self._hints.move_to_end(session)
        while len(self._hints) > HINTS:
            self._hints.popitem(last=False)


def _settle(result: asyncio.Future[Found], outcome: Found | Exception) -> None:
    if isinstance(outcome, Exception):
        result.set_exception(outcome)
    else:
        result.set_result(outcome)


def _mark_begin(passage: Passage[FramesCaptured]) -> None:
    """From here on it is worked on: what it waited for others is waiting."""
    now = time.perf_counter()
    passage.waited_ms += (now - passage.started) * 1000
    passage.started = now


def _parts(frames: Sequence[DetectedFrame]) -> Iterator[tuple[DetectedFrame, ...]]:
    """The frames in order, in as few parts as the bus takes."""
    part: list[DetectedFrame] = []
    for frame in frames:
        if part and sum(len(one.faces) for one in (*part, frame)) > FACES_IN_MESSAGE:
            yield tuple(part)
            part = []
        part.append(frame)
    yield tuple(part)
