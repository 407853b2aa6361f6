"""One session in render: frames in order, identities, drawing, and a sink for what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services.render.drawing import Painter
from services.render.tracking import Tracks
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from shared.model.faces import Face
    from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference
    from shared.model.looks import Look


class FrameSource(Protocol):
    """Where sealed frames are read in place; the frame pool, to everybody but this module."""

    def read(self, reference: FrameReference) -> AbstractContextManager[Picture]:
        """The frame, valid within the context."""
        ...

    def release(self, reference: FrameReference) -> None:
        """The frame is not needed any more."""
        ...


class Sink(Protocol):
    """What becomes of frames in the end."""

    wants_picture: bool
    """False: only the faces matter, and nothing is drawn."""

    def write(self, picture: Picture, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        """One frame, in order. `picture` is valid during the call."""
        ...

    def abort(self) -> None:
        """Nothing will come of it: leave nothing behind."""
        ...


class RenderSession:
    """Puts frames back in order, names their faces, draws the look and hands them to the sink."""

    def __init__(self, look: Look, sink: Sink) -> None:
        self.sink = sink
        self.frames_done = 0
        self.faces_done = 0
        self.frames_total = 0
        """How many there will be; 0 until that is known."""
        self._look = look
        self._painter = Painter()
        self._tracks = Tracks()
        self._early: dict[int, DetectedFrame] = {}
        self._target: Picture | None = None

    @property
    def finished(self) -> bool:
        """True when every frame there will be is drawn."""
        return 0 < self.frames_total <= self.frames_done

    def feed(self, frames: Sequence[DetectedFrame], source: FrameSource) -> None:
        """Take frames in any order, some perhaps for the second time; draw those whose turn it is.

        Raises FrameLost if a frame is gone, and what drawing and encoding raise.
        """
        for frame in frames:
            if frame.captured.sequence >= self.frames_done:
                self._early[frame.captured.sequence] = frame
        for frame in self._next():
            self._draw(frame, source)

    def _next(self) -> Iterator[DetectedFrame]:
        while self.frames_done in self._early:
            yield self._early.pop(self.frames_done)
            self.frames_done += 1

    def _draw(self, frame: DetectedFrame, source: FrameSource) -> None:
        faces = self._tracks.assign(frame.faces)
        self.faces_done += len(faces)
        reference = frame.captured.reference
        with source.read(reference) as picture:
            if self.sink.wants_picture and faces and not self._look.invisible:
                target = self._drawn(picture, faces)
                self.sink.write(target, frame.captured, faces)
            else:
                self.sink.write(picture, frame.captured, faces)
        source.release(reference)

    def _drawn(self, picture: Picture, faces: Sequence[Face]) -> Picture:
        """The look on a copy, in memory that the next frame uses again."""
        if self._target is None or self._target.geometry != picture.geometry:
            self._target = Picture.blank(picture.geometry, picture.colour)
        picture.copy_to(self._target)
        self._painter.draw(picture, self._target, faces, self._look)
        return self._target
