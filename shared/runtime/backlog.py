"""How much waits in queues: the bus is asked now and then, by one service for each queue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.model.errors import Unavailable
from shared.runtime.instruments import QUEUE_LAG, QUEUE_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.runtime.metrics import Metrics
    from shared.transport.bus import Bus
    from shared.transport.topology import Queue

    Queues = Mapping[str, Sequence[Queue]]
    """By the name that metrics have for them; several that do the same are one."""

LOOK_SECONDS = 2.0


async def follow(bus: Bus, metrics: Metrics, queues: Callable[[], Queues]) -> None:
    """Ask again and again, until cancelled. queues: those that there are now."""
    while True:
        await look(bus, metrics, queues())
        await asyncio.sleep(LOOK_SECONDS)


async def look(bus: Bus, metrics: Metrics, queues: Queues) -> None:
    """Show how much waits in each; nothing while the bus is away."""
    lags, messages = {}, {}
    try:
        for name, found in queues.items():
            depths = [await bus.depth(queue) for queue in found]
            lags[name] = sum(depth.lag for depth in depths)
            messages[name] = sum(depth.lag + depth.unsettled for depth in depths)
    except Unavailable:
        lags, messages = {}, {}
    for instrument, counts in ((QUEUE_LAG, lags), (QUEUE_MESSAGES, messages)):
        metrics.show(instrument, [(count, {"queue": name}) for name, count in counts.items()])
