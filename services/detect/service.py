"""Detect as a function from message to message: frames captured -> faces detected."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from services.detect.batching import Hands, together
from services.detect.cuda.pictures import CardView
from services.detect.following import Following
from services.detect.hints import Hints
from services.detect.turns import Turns
from shared.cuda.pictures import CardPicture
from shared.model.errors import Late
from shared.model.frames import FacesDetected, FramesCaptured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from services.detect.batching import Search
    from services.detect.choosing import Finders
    from services.detect.contracts import Detection, Shown
    from services.detect.following import Found
    from services.detect.hints import Hint
    from shared.cuda.device import Device
    from shared.memory.lane_reader import LaneReader
    from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference
    from shared.runtime.stage import Passage

MOST_BYTES = 720 << 10
"""Of landmarks and masks in one message, as 128 faces have: the bus takes 1 MiB, so that a crowd goes in several."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one thread at a time looks at frames with."""

    reader: LaneReader
    device: Device | None = None
    """Of the lane's card; None: frames that lie there cannot be looked at."""

    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Shown]:
        """The frame where it lies. Raises as the reader does."""
        if self.device is None:
            with self.reader.read(reference) as picture:
                yield picture
        else:
            with self.reader.read(reference, self.device) as found:
                yield CardView(found, self.device) if isinstance(found, CardPicture) else found


@dataclass(slots=True)
class _Work:
    """One message that waits or is worked on."""

    passage: Passage[FramesCaptured]
    following: Following
    result: asyncio.Future[Found]
    glance: Future[list[Detection]] | None = None
    """What the detector sees in the first frame, looked at while the message waited."""

    @property
    def seen(self) -> list[Detection] | None:
        """What the glance has seen; None if there was none. Raises what kept it from seeing."""
        return None if self.glance is None else self.glance.result()

    @property
    def session(self) -> str:
        """Its session."""
        return self.passage.message.session

    @property
    def first(self) -> CapturedFrame:
        """Its first frame."""
        return self.passage.message.frames[0]


class DetectService:
    """Reads frames where they lie and finds the faces. Keeps no state that matters.

    All but the finding happens in the thread of the event loop, so that nothing needs a lock. The frames of a session
    are worked on one after the other, each with the faces of the one before; what threads are left over share the faces
    of a frame, and do the searches for new faces of the messages that wait.
    """

    def __init__(self, finders: Finders, sights: Sequence[Sight], detect_every: int) -> None:
        """sights: one for each thread that may find faces at a time; the models are open on their devices."""
        self._finders = finders
        self._every = detect_every
        self._hints = Hints()
        self._turns = Turns()
        self._works: dict[int, _Work] = {}
        self._hands = Hands(len(sights))
        self._threads = ThreadPoolExecutor(len(sights), "detect")
        self._idle = list(sights)
        self._is_closed = False

    async def detect(self, passage: Passage[FramesCaptured]) -> list[FacesDetected]:
        """Faces of every frame of the message, and where its people are if it asks for that.

        Raises FrameLost if one is gone, Rejected if the message wants models that are not there.
        """
        message = passage.message
        if not message.frames:
            raise Late("A message without frames.")
        segmenter = self._finders.segmenter if message.people else None
        models = self._finders.named(message.models)
        passage.notes.facts |= {"detector": models.detector, "landmarks": models.landmarks}
        following = Following(
            self._finders.of(message.models), segmenter, self._every, message.search_every, message.watchful
        )
        work = _Work(passage, following, asyncio.get_running_loop().create_future())
        self._works[id(message)] = work
        self._turns.add(message)
        self._begin()
        frames = await work.result
        return [
            FacesDetected(lane=message.lane, session=message.session, worker=message.worker, frames=part)
            for part in _parts(frames)
        ]

    def close(self) -> None:
        """End the threads. Who still waits for a result is to be cancelled before."""
        self._is_closed = True
        self._threads.shutdown(cancel_futures=True)
        self._hands.close()

    def _begin(self) -> None:
        """Give every idle thread something to do."""
        loop = asyncio.get_running_loop()
        while self._idle and (messages := self._turns.take(len(self._idle))):
            sight = self._idle.pop()
            works = [self._works.pop(id(message)) for message in messages]
            searches = [self._follow(work, self._hints.of(work.session, work.first), sight) for work in works]
            running = loop.run_in_executor(self._threads, together, searches, self._finders.batches, self._hands)
            running.add_done_callback(partial(self._end, works, sight))
        while self._idle and (waiting := self._unseen()) is not None:
            sight = self._idle.pop()
            waiting.glance = self._threads.submit(self._glance, waiting, sight)
            waiting.glance.add_done_callback(partial(_then, loop, partial(self._rest, sight)))

    def _unseen(self) -> _Work | None:
        """The next that waits, begins with a search, and was not glanced at."""
        works = (self._works[id(message)] for message in self._turns.waiting)
        return next((work for work in works if work.glance is None and work.following.is_search(work.first)), None)

    def _rest(self, sight: Sight) -> None:
        self._idle.append(sight)
        if not self._is_closed:
            self._begin()

    def _end(self, works: Sequence[_Work], sight: Sight, running: asyncio.Future[list[Found | Exception]]) -> None:
        if self._is_closed:
            return
        for work, outcome in zip(works, running.result(), strict=True):
            message = work.passage.message
            self._turns.end(message)
            if not isinstance(outcome, Exception) and (looked_at := [one for one in outcome if not one.is_late]):
                self._hints.remember(message.session, looked_at[-1])
            if not work.result.done():  # else nobody waits any more
                _settle(work.result, outcome)
        self._rest(sight)

    def _glance(self, work: _Work, sight: Sight) -> list[Detection]:
        with self._hands, sight.read(work.first.reference) as picture:
            return work.following.finder.glance(picture, work.following.turn(work.first))

    def _follow(self, work: _Work, hint: Hint, sight: Sight) -> Search[Found]:
        work.passage.begin()
        frames = work.passage.message.frames
        return (yield from work.following.follow(frames, hint, sight.read, lambda: work.seen))


def _then(loop: asyncio.AbstractEventLoop, act: Callable[[], None], _: Future[list[Detection]]) -> None:
    loop.call_soon_threadsafe(act)


def _settle(result: asyncio.Future[Found], outcome: Found | Exception) -> None:
    if isinstance(outcome, Exception):
        result.set_exception(outcome)
    else:
        result.set_result(outcome)


def _parts(frames: Sequence[DetectedFrame]) -> Iterator[tuple[DetectedFrame, ...]]:
    """The frames in order, in as few parts as the bus takes."""
    part: list[DetectedFrame] = []
    for frame in frames:
        if part and sum(_size_bytes(one) for one in (*part, frame)) > MOST_BYTES:
            yield tuple(part)
            part = []
        part.append(frame)
    yield tuple(part)


def _size_bytes(frame: DetectedFrame) -> int:
    """Of what may become large in it."""
    mask = 0 if frame.people is None else len(frame.people.body)
    return mask + sum(len(face.points) for face in frame.faces)
