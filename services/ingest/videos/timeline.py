"""Presentation times that a player and an encoder can live with: none missing, each later than the one before."""

from __future__ import annotations

LONGEST_GAP_SECONDS = 60
"""A longer one is no gap: the source's clock was set anew."""

MOST_PENDING = 256
"""Live packets whose frame the decoder has not given yet; a stream that holds back more has lost them."""


class Timeline:
    """Repairs presentation times as little as possible. All values are in units of the stream's time base."""

    def __init__(self, nominal_duration: int) -> None:
        """nominal_duration: what a frame lasts by the average frame rate, 1 or more."""
        self._nominal = max(1, nominal_duration)
        self._first: int | None = None
        self._last: int | None = None
        self._end = 0

    @property
    def end(self) -> int:
        """Where the last placed frame ends; 0 before the first."""
        return self._end

    @property
    def span(self) -> int:
        """From the beginning of the first frame to the end of the last."""
        return self._end - (self._first or 0)

    def place(self, pts: int | None, dts: int | None, duration: int) -> tuple[int, int]:
        """The (pts, duration) to use for the next frame: what was given wherever that is possible."""
        lasts = duration if duration > 0 else self._nominal
        wanted = pts if pts is not None else dts if dts is not None else self._end
        if self._last is None:
            self._first = wanted
        elif wanted <= self._last:
            wanted = self._last + 1
        self._last, self._end = wanted, wanted + lasts
        return wanted, lasts


class LiveTimeline:
    """Presentation times of a stream without an end, which may begin anew: from 0, each later than the one before.

    Where times jump back, or ahead by more than a minute, the stream goes on as if nothing had been.
    """

    def __init__(self, nominal_duration: int, clock_hz: int) -> None:
        """nominal_duration: what a frame lasts, 1 or more; both in units of the stream's clock."""
        self._nominal, self._clock_hz = nominal_duration, clock_hz
        self._shift = 0
        self._last: int | None = None

    def place(self, pts: int | None) -> tuple[int, int]:
        """The (pts, duration) to use for the next frame: what was given wherever that is possible."""
        last = self._last
        if last is None:
            wanted, self._shift = 0, -(pts or 0)
        else:
            wanted = last + self._nominal if pts is None else pts + self._shift
            step = wanted - last
            if step < -self._clock_hz or step > LONGEST_GAP_SECONDS * self._clock_hz:
                self._shift += last + self._nominal - wanted
                wanted = last + self._nominal
            elif step < 1:
                wanted = last + 1
        self._last = wanted
        return wanted, self._nominal
