"""One session in one process: each frame is searched for faces as detect does it, and drawn as render does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from services.detect.batching import together
from services.detect.hints import Hints
from shared.model.frames import DetectedFrame
from shared.model.hops import Hop

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from services.detect.batching import Batches, Hands
    from services.detect.following import Following
    from services.render.session import RenderSession, SessionState
    from shared.model.faces import Face
    from shared.model.frames import CapturedFrame, FrameReference
    from shared.model.pictures import Picture

_SESSION = "one"
"""Hints are kept by session, and there is no other."""


class Known(NamedTuple):
    """All that is known after a frame."""

    state: SessionState
    """Of who is who."""
    faces: tuple[Face, ...]
    """That were found in it, before anybody said who they are."""


class HostFrames(Protocol):
    """Where frames lie that detect and render read: in this process's memory."""

    def read(self, reference: FrameReference) -> AbstractContextManager[Picture]:
        """The frame, valid within the context."""
        ...

    def release(self, reference: FrameReference) -> None:
        """The frame is not needed any more."""
        ...


class Composed:
    """Takes the frames of one session in order. `find` and `draw` may run in two threads, one frame after the other."""

    def __init__(
        self,
        following: Following,
        session: RenderSession,
        source: HostFrames,
        batches: Batches,
        hands: Hands,
        found: tuple[int, tuple[Face, ...]] | None = None,
    ) -> None:
        """source: where the frames lie. batches, hands: how crops are put together, and how many threads may. found: a
        pts and the faces of the last frame before it: in frames before it nothing is looked for.
        """
        self.session = session
        self.hops: list[Hop] = []
        """What every frame took to be found, and to be drawn."""
        self._following, self._source, self._batches, self._hands = following, source, batches, hands
        self._hints = Hints()
        self._found = found
        self._faces: tuple[Face, ...] = ()

    @property
    def known(self) -> Known:
        """After the last frame that was drawn."""
        return Known(self.session.state, self._faces)

    def find(self, frame: CapturedFrame) -> DetectedFrame:
        """The faces of a frame, by what the one before showed. Raises what finding raises."""
        if self._found is not None and frame.pts < self._found[0]:
            recalled = DetectedFrame(frame, self._found[1])
            self._hints.remember(_SESSION, recalled)
            return recalled
        started = time.perf_counter()
        hint = self._hints.of(_SESSION, frame)
        [outcome] = together([self._following.follow((frame,), hint, self._source.read)], self._batches, self._hands)
        if isinstance(outcome, Exception):
            raise outcome
        [found] = outcome
        self._hints.remember(_SESSION, found)
        self._note("detect", started)
        return found

    def draw(self, found: DetectedFrame) -> None:
        """Draw the frame and hand it to the session's sink. Raises what drawing and encoding raise."""
        started = time.perf_counter()
        self.session.feed((found,), self._source)
        self._faces = found.faces
        self._note("render", started)

    def take(self, frame: CapturedFrame) -> None:
        """Find, then draw."""
        self.draw(self.find(frame))

    def _note(self, stage: str, started: float) -> None:
        self.hops.append(Hop(stage, 0.0, round((time.perf_counter() - started) * 1000, 3)))
