"""How many frames of a live session may be under way, and whether the lane is too slow for it. Knows no clock."""

from __future__ import annotations

from collections import deque

MOST, LEAST = 6, 2
"""Slots of the frame pool that one live session may hold: what is drawn, what is waiting, and what is written to next.
More would not make a lane faster, only its frames older."""
SLOW, QUICK = 0.4, 0.2
"""Shares of the delay budget: frames that take longer from decoder to encoder make the window smaller, or larger."""
SETTLE_FRAMES = 8
"""From one change of the window to the next."""
PRESSED_FRAMES, PRESSED_SECONDS = 3, 1.0
"""So many frames without a slot in so long, and the lane is too slow."""
START_SECONDS = 2.0
"""From a session's first frame on so long none counts: what a source has sent until it was read comes all at once."""
CALM_SECONDS = 5.0
"""Without one for so long, and it is not any more."""
SEARCH_EVERY = 40
"""Under pressure new faces are searched for so seldom, in frames."""


class Window:
    """Shrinks where frames take long, so that those that are drawn stay young; grows again where they do not."""

    def __init__(self, budget_seconds: float) -> None:
        self._budget_seconds = budget_seconds
        self._since_change = 0
        self._mean_seconds = 0.0
        self.size: int = MOST

    def took(self, seconds: float) -> None:
        """A frame's slot came back so long after it was written."""
        self._mean_seconds += (seconds - self._mean_seconds) / SETTLE_FRAMES
        self._since_change += 1
        if self._since_change < SETTLE_FRAMES:
            return
        if self._mean_seconds > SLOW * self._budget_seconds and self.size > LEAST:
            self.size -= 1
            self._since_change = 0
        elif self._mean_seconds < QUICK * self._budget_seconds and self.size < MOST:
            self.size += 1
            self._since_change = 0


class Pressure:
    """Whether a session's frames wait for slots. First faces are searched for less often; drops come after."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=PRESSED_FRAMES)
        self._counts_from: float | None = None
        self.is_high = False

    @property
    def search_every(self) -> int:
        """For FramesCaptured."""
        return SEARCH_EVERY if self.is_high else 0

    def felt(self, waiting: int, now_seconds: float) -> bool:
        """A packet was decoded, and so many frames waited for a slot then; true if that changed `is_high`."""
        if self._counts_from is None:
            self._counts_from = now_seconds + START_SECONDS
        if waiting and now_seconds >= self._counts_from:
            self._times.append(now_seconds)
        last = self._times[-1] if self._times else -CALM_SECONDS
        pressed = len(self._times) == PRESSED_FRAMES and now_seconds - self._times[0] <= PRESSED_SECONDS
        before, self.is_high = self.is_high, pressed or (self.is_high and now_seconds - last < CALM_SECONDS)
        return before != self.is_high
