"""What is remembered of sessions: their last faces. It may be missing at any time."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.faces import Face
    from shared.model.frames import CapturedFrame, DetectedFrame

SESSIONS = 256
"""So many sessions are remembered."""
STALE_FRAMES = 32
"""Faces of so many frames ago say nothing any more."""


class Hint(NamedTuple):
    """The faces of an earlier frame of a session."""

    sequence: int
    """Of that frame; -1 if nothing is known."""
    faces: Sequence[Face] | None

    def is_stale(self, frame: CapturedFrame) -> bool:
        """Whether frames lie between that one and `frame`."""
        return self.faces is not None and self.sequence != frame.sequence - 1


NOTHING = Hint(-1, None)


class Hints:
    """The last faces of each session."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, Hint] = OrderedDict()

    def of(self, session: str, frame: CapturedFrame) -> Hint:
        """The faces of the frame just before `frame`, or of one not long before."""
        hint = self._last.get(session, NOTHING)
        return hint if 0 < frame.sequence - hint.sequence <= STALE_FRAMES else NOTHING

    def remember(self, session: str, last: DetectedFrame) -> None:
        """Take note of the last faces, if they are later than what is known."""
        sequence = last.captured.sequence
        if sequence < self._last.get(session, NOTHING).sequence:
            return
        self._last[session] = Hint(sequence, last.faces)
        self._last.move_to_end(session)
        while len(self._last) > SESSIONS:
            self._last.popitem(last=False)
