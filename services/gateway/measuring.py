"""What a gateway measures: lanes, the queues that all lanes share, dead letters, and what became of frames."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from shared.model.errors import Unavailable
from shared.runtime import backlog
from shared.runtime.instruments import BUDGET, DEAD_LETTERS, DELAY, FRAMES, LANES
from shared.transport.topology import DEAD, callback_queue, plan_queue, segment_queue

if TYPE_CHECKING:
    from shared.runtime.metrics import Metrics
    from shared.runtime.presence import Presence
    from shared.transport.bus import Bus

LOOK_SECONDS = 2.0
QUEUES = {"plans": [plan_queue()], "segments": [segment_queue()], "callbacks": [callback_queue()]}


class FrameMeasures:
    """Counts frames of one kind when it is known what became of them."""

    def __init__(self, metrics: Metrics, kind: str) -> None:
        """kind: still or live."""
        self._frames = metrics.counter(FRAMES)
        self._delay, self._budget = metrics.histogram(DELAY), metrics.histogram(BUDGET)
        self._kind = kind

    def settled(self, outcome: str, count: int, place: str = "", reason: str = "") -> None:
        """outcome: delivered, dropped or failed. place, reason: where and why, of what was not delivered."""
        attributes = {"kind": self._kind, "outcome": outcome, "reason": reason, "where": place}
        self._frames.add(count, attributes)

    def delivered(self, arrived_ns: int, max_delay_ms: int) -> None:
        """A live frame has gone out now whose packet arrived then, nanoseconds since 1970."""
        delay = max(0, time.time_ns() - arrived_ns) / 1e9
        self._delay.record(delay)
        self._budget.record(delay * 1000 / max_delay_ms)


async def follow(bus: Bus, metrics: Metrics, presence: Presence) -> None:
    """Take stock again and again, until cancelled."""
    while True:
        await look(bus, metrics, presence)
        await asyncio.sleep(LOOK_SECONDS)


async def look(bus: Bus, metrics: Metrics, presence: Presence) -> None:
    """Show what is there now; nothing of the bus while that is away."""
    known = len({one.lane for one in presence.workers()})
    metrics.show(LANES, [(known, {"state": "known"}), (len(presence.warm_lanes()), {"state": "warm"})])
    await backlog.look(bus, metrics, QUEUES)
    try:
        metrics.show(DEAD_LETTERS, [(await bus.count(DEAD.subjects[0]), {})])
    except Unavailable:
        metrics.show(DEAD_LETTERS, [])
