"""Frames that wait for the client: few, and not for long. What it does not take in time is dropped here."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.live import LiveFrame

HELD_FRAMES = 4
"""When more wait, the lane is told to draw none."""
MOST_FRAMES = 64
MOST_BYTES = 96 << 20


@dataclass(frozen=True, slots=True)
class Drawn:
    """A frame as it came from the lane."""

    frame: LiveFrame
    """Whole."""
    sent_ns: int
    """When the lane sent it, nanoseconds since 1970."""
    since: float
    """When it came here, seconds of a clock that never goes back."""


class FrameQueue:
    """In order. Of frames that refer to others, none goes out after one that was dropped, until the next key frame."""

    def __init__(self, max_delay_seconds: float, *, is_intra: bool) -> None:
        """is_intra: every frame stands for itself."""
        self._max_delay = max_delay_seconds
        self._is_intra = is_intra
        self._waiting: deque[Drawn] = deque()
        self._bytes = 0
        self._broken = False
        """A frame was dropped, and what follows refers to it."""
        self._held = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def broken(self) -> bool:
        """Nothing can go out before a key frame."""
        return self._broken

    def put(self, drawn: Drawn) -> list[Drawn]:
        """Have a frame wait; answers those that are dropped for it, itself if it refers to a dropped one."""
        if self._broken and not (drawn.frame.key or self._is_intra):
            return [drawn]
        self._broken = False
        self._waiting.append(drawn)
        self._bytes += len(drawn.frame.body)
        dropped: list[Drawn] = []
        while len(self._waiting) > 1 and (len(self._waiting) > MOST_FRAMES or self._bytes > MOST_BYTES):
            dropped += self._drop_oldest(1)
        return dropped

    def take(self) -> Drawn:
        """The next one for the client. Raises IndexError if there is none."""
        drawn = self._waiting.popleft()
        self._bytes -= len(drawn.frame.body)
        return drawn

    def overdue(self, now: float) -> list[Drawn]:
        """Drop what has waited for too long, and what refers to it; answers what that was."""
        late = sum(1 for _ in takewhile(lambda one: now - one.since > self._max_delay, self._waiting))
        return self._drop_oldest(late) if late else []

    def break_off(self) -> None:
        """A frame was lost before it came here."""
        self._broken = not self._is_intra

    def is_held(self, now: float) -> bool:
        """Whether the lane is to draw none: from when too many wait, or one for too long, until none does."""
        if not self._waiting:
            self._held = False
        elif len(self._waiting) > HELD_FRAMES or now - self._waiting[0].since > self._max_delay / 2:
            self._held = True
        return self._held

    def _drop_oldest(self, count: int) -> list[Drawn]:
        dropped = [self.take() for _ in range(count)]
        if not self._is_intra:
            dropped += self._drop_until_key()
        return dropped

    def _drop_until_key(self) -> Iterable[Drawn]:
        dropped = []
        while self._waiting and not self._waiting[0].frame.key:
            dropped.append(self.take())
        self._broken = not self._waiting
        return dropped
