"""The frames of a session in order, each searched with what the frame before showed: all that detect does to them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.detect.finding import How
from services.detect.hints import Hint
from services.detect.watching import unclaimed
from shared.model.frames import DetectedFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from services.detect.batching import Search
    from services.detect.contracts import Detection, Shown
    from services.detect.finding import Finder
    from services.detect.segmenter import GraphSegmenter
    from shared.model.frames import CapturedFrame, FrameReference

    Read = Callable[[FrameReference], AbstractContextManager[Shown]]
    Glance = Callable[[], Sequence[Detection] | None]

Found = tuple[DetectedFrame, ...]
_IN_BETWEEN = 1
"""The turn of a search that a loss asks for: a usual one, however often a face comes and goes."""


def _nothing() -> None:
    """Nobody has glanced."""


@dataclass(frozen=True, slots=True)
class Following:
    """How the faces of one session are found."""

    finder: Finder
    segmenter: GraphSegmenter | None
    """None: nobody asks where the people are."""
    every: int
    """Frames from one search for new faces to the next, as the worker is set."""
    search_every: int = 0
    """The same, as the session asks for it; 0: it does not."""
    watchful: bool = False
    """True: every frame is searched for heads that must not stay unseen."""

    def is_search(self, frame: CapturedFrame) -> bool:
        """Whether new faces are looked for in this frame whatever was seen before."""
        return frame.sequence % (self.search_every or self.every) == 0

    def turn(self, frame: CapturedFrame) -> int:
        """Which search for new faces of its session the next from this frame on is."""
        return -(-frame.sequence // self.every)

    def follow(
        self, frames: Sequence[CapturedFrame], hint: Hint, read: Read, glance: Glance = _nothing
    ) -> Search[Found]:
        """Comes to the faces of each frame. A live one whose deadline has passed is not looked at.

        hint: what is known of a frame before the first. read: opens a frame where it lies. glance: gives what the
        detector was seen to see in the first frame at its turn, or None. Raises what those raise.
        """
        found = []
        for frame in frames:
            if frame.live is not None and time.time_ns() > frame.live.deadline_ns:
                found.append(DetectedFrame(frame, (), is_late=True))
                continue
            is_search = self.is_search(frame)
            how = How(
                detect=is_search,
                turn=0 if hint.faces is None else self.turn(frame) if is_search else _IN_BETWEEN,
                stale=hint.is_stale(frame),
                seen=glance() if frame is frames[0] and hint.faces is not None else None,
            )
            with read(frame.reference) as picture:
                faces = yield from self.finder.search(picture, hint.faces, how)
                people = None if self.segmenter is None else self.segmenter.segment(picture)
                sightings = unclaimed((yield from self.finder.watch(picture)), faces) if self.watchful else None
            found.append(DetectedFrame(frame, tuple(faces), people, sightings))
            hint = Hint(frame.sequence, faces)
        return tuple(found)
