"""How much live work a lane has room for: pixels a second, by what a live pixel has cost it.

Jobs stand back for what is live: what they use takes no room away, and what their pixels cost is not what live ones do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
        self._cost = self._cost_of_others = FIRST_GUESS_SECONDS_PER_PIXEL
        self._since: _Sum | None = None

    @property
    def seconds_per_pixel(self) -> float:
        """Processor time of the whole lane for a pixel of a live frame."""
        return self._cost

    @property
    def pixels_per_second(self) -> float:
        """What more it has room for, 0 or more."""
        return max(0.0, SHARE * self._cores / self._cost - sum(self._promised.values()))

    @property
    def free_share(self) -> float:
        """That as a part of all that it can do, 0 to 1."""
        return self.pixels_per_second * self._cost / (SHARE * self._cores)

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
        now = _Sum.of(workers)
        since, self._since = self._since, self._since or now
        if since is None:
            return
        spent, live, others = now.busy - since.busy, now.live - since.live, now.others - since.others
        if min(spent, live, others) < 0 or live + others == 0:
            self._since = now
        elif live + others >= LEAST_PIXELS:
            self._since = now
            self._learn(spent, live, others)

    def _learn(self, spent: float, live: int, others: int) -> None:
        """What was spent on both is divided as was to be expected; the more one had of it, the more it learns."""
        expected = (self._cost * live, self._cost_of_others * others)
        change = WEIGHT * (spent / sum(expected) - 1)
        self._cost *= 1 + change * expected[0] / sum(expected)
        self._cost_of_others *= 1 + change * expected[1] / sum(expected)


class _Sum(NamedTuple):
    """Over all workers, since they began."""

    busy: float
    live: int
    others: int

    @classmethod
    def of(cls, workers: Iterable[WorkerReported]) -> _Sum:
        workers = list(workers)
        live = sum(one.live_pixels for one in workers)
        return cls(sum(one.busy_seconds for one in workers), live, sum(one.pixels for one in workers) - live)
