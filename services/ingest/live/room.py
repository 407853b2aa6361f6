"""How much live work a lane has room for: pixels a second, by what a pixel has cost it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.sessions import WorkerReported

SHARE = 0.85
"""Of the cores; the rest is for the gateway, the bus and what is uneven."""
FIRST_GUESS_SECONDS_PER_PIXEL = 20e-9
"""What a pixel costs before anything was measured: 18 ms of processor time for a frame of 1280 x 720."""
LEAST_PIXELS = 2_000_000
"""A measurement over fewer pixels says nothing."""
WEIGHT = 0.3
"""Of a new measurement beside those before."""


class Room:
    """What is promised to live sessions, beside what the lane can do. Knows no clock."""

    def __init__(self, cores: float) -> None:
        """cores: that the lane may use."""
        self._cores = cores
        self._promised: dict[str, float] = {}
        self._cost = FIRST_GUESS_SECONDS_PER_PIXEL
        self._since: tuple[float, int] | None = None

    @property
    def seconds_per_pixel(self) -> float:
        """Processor time of the whole lane for a pixel of a frame."""
        return self._cost

    @property
    def pixels_per_second(self) -> float:
        """What more it has room for, 0 or more."""
        return max(0.0, SHARE * self._cores / self._cost - sum(self._promised.values()))

    def take(self, session: str, pixels_per_second: float) -> bool:
        """Promise a session its pixels; false if there is no room. A lane that has promised nothing takes any one."""
        if sum(self._promised.values()) and pixels_per_second > self.pixels_per_second:
            return False
        self._promised[session] = pixels_per_second
        return True

    def promise(self, session: str, pixels_per_second: float) -> None:
        """A session that was taken turns out to need so much; 0: nothing follows."""
        if session in self._promised:
            self._promised[session] = pixels_per_second

    def give_back(self, session: str) -> None:
        """A session is over."""
        self._promised.pop(session, None)

    def measure(self, workers: Iterable[WorkerReported]) -> None:
        """What all workers of the lane have used and done so far; called now and then.

        What is used while nothing is done is no cost of a pixel; a worker that began anew makes a sum smaller.
        """
        workers = list(workers)
        busy, pixels = sum(one.busy_seconds for one in workers), sum(one.pixels for one in workers)
        before, self._since = self._since, self._since or (busy, pixels)
        if before is None:
            return
        spent, done = busy - before[0], pixels - before[1]
        if spent < 0 or done <= 0:
            self._since = (busy, pixels)
        elif done >= LEAST_PIXELS:
            self._since = (busy, pixels)
            self._cost += WEIGHT * (spent / done - self._cost)
