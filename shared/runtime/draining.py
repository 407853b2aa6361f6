"""A process that was told to end goes on for a while: it takes nothing new, and brings to its end what it has begun."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from shared.runtime.presence import EVERY_SECONDS, GONE_AFTER_SECONDS, Presence

if TYPE_CHECKING:
    from shared.transport.bus import Bus


class Draining:
    """Whether this process was told to end."""

    def __init__(self) -> None:
        self._wanted = asyncio.Event()

    @property
    def is_wanted(self) -> bool:
        """True from the first signal on."""
        return self._wanted.is_set()

    def begin(self) -> None:
        """It was told to end."""
        self._wanted.set()

    async def wanted(self) -> None:
        """Until it is told to end."""
        await self._wanted.wait()


async def goes_on_without_us(bus: Bus, lane: str) -> bool:
    """For a detect or render that was told to end: returns when its lane's ingest has no need of it any more.

    False: ingest has ended, or there was none. True: ingest is there and was not told to end, so that this worker ends
    alone. While ingest drains as well this waits: what it still does needs every service of the lane (decision 0067).
    So it does while nothing is heard even of this worker, which reports itself: then it is the bus that says nothing.
    """
    heard, since = Presence(), time.monotonic()
    following = asyncio.create_task(heard.follow(bus))
    try:
        while not following.done():
            await asyncio.sleep(EVERY_SECONDS / 5)
            of_lane = [one for one in heard.workers() if one.lane == lane]
            ingests = [one for one in of_lane if one.service == "ingest"]
            is_early = time.monotonic() - since < GONE_AFTER_SECONDS
            if is_early or len(of_lane) == len(ingests) or any(one.draining for one in ingests):
                continue
            return bool(ingests)
        following.result()
        return False
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
