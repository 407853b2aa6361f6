"""Detect as a function from message to message: frames captured -> faces detected."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shared.model.errors import Late
from shared.model.frames import DetectedFrame, FacesDetected, FramesCaptured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.detect.finding import FaceFinder
    from shared.memory.reader import HostReader
    from shared.model.faces import Face
    from shared.runtime.stage import Passage

HINTS = 256
"""So many sessions' last faces are remembered; a hint may be missing at any time."""
FACES_IN_MESSAGE = 128
"""A face is 5.6 KiB of landmarks and the bus takes 1 MiB in one message: a crowd goes in several."""


class DetectService:
    """Reads frames where they lie and finds the faces. Keeps no state that matters."""

    def __init__(self, finder: FaceFinder, reader: HostReader, detect_every: int) -> None:
        self._finder = finder
        self._reader = reader
        self._every = detect_every
        self._hints: OrderedDict[str, tuple[int, list[Face]]] = OrderedDict()

    async def detect(self, passage: Passage[FramesCaptured]) -> list[FacesDetected]:
        """Faces of every frame of the message. Raises FrameLost if one is gone."""
        message = passage.message
        if not message.frames:
            raise Late("A message without frames.")
        frames = self._find(message)  # in line: this process has nothing else to do, and a thread is a detour
        return [
            FacesDetected(lane=message.lane, session=message.session, worker=message.worker, frames=part)
            for part in _parts(frames)
        ]

    def _find(self, message: FramesCaptured) -> tuple[DetectedFrame, ...]:
        hint = self._hint(message)
        found = []
        for frame in message.frames:
            with self._reader.read(frame.reference) as picture:
                hint = self._finder.find(picture, hint, detect=frame.sequence % self._every == 0)
            found.append(DetectedFrame(frame, tuple(hint)))
        self._remember(message, hint or [])
        return tuple(found)

    def _hint(self, message: FramesCaptured) -> list[Face] | None:
        """The faces of the frame just before; None if they are not known here."""
        sequence, faces = self._hints.get(message.session, (-1, []))
        return faces if sequence == message.frames[0].sequence - 1 and sequence >= 0 else None

    def _remember(self, message: FramesCaptured, faces: list[Face]) -> None:
        self._hints[message.session] = (message.frames[-1].sequence, faces)
        self._hints.move_to_end(message.session)
        while len(self._hints) > HINTS:
            self._hints.popitem(last=False)


def _parts(frames: Sequence[DetectedFrame]) -> Iterator[tuple[DetectedFrame, ...]]:
    """The frames in order, in as few parts as the bus takes."""
    part: list[DetectedFrame] = []
    for frame in frames:
        if part and sum(len(one.faces) for one in (*part, frame)) > FACES_IN_MESSAGE:
            yield tuple(part)
            part = []
        part.append(frame)
    yield tuple(part)
