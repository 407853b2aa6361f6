"""Who is let in with a live stream, and who must leave."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from services.gateway.measuring import FrameMeasures
from services.gateway.problems import RETRY_SECONDS, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from services.gateway.admission import Admission
    from services.gateway.settings import GatewaySettings
    from shared.model.errors import VisavisError
    from shared.runtime.pasts import Pasts
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus

    Stop = Callable[[VisavisError], None]

DRAIN_SHARE = 0.8
"""Of the time to stop: streams go on so long, and then have the rest to hear why they end."""

LEAVE_SECONDS = 2.0
"""A connection whose stream is taken over has so long to give its room back."""


class LiveDesk:
    """Knows every live stream of this gateway."""

    def __init__(
        self, bus: Bus, telemetry: Telemetry, admission: Admission, pasts: Pasts, settings: GatewaySettings
    ) -> None:
        self.bus = bus
        self.telemetry = telemetry
        self.admission = admission
        self.pasts = pasts
        self.settings = settings
        self.measures = FrameMeasures(telemetry.metrics, "live")
        self._owners: dict[str, _Owner] = {}
        """Who has a stream, by the name of its past."""
        self._count = 0
        self._stop_at: float | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    def drain(self) -> None:
        """The gateway stops: streams are told, go on for a while, and may come back to another."""
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self.settings.stop_seconds * DRAIN_SHARE

    async def drained(self) -> None:
        """Until no stream is left, or each had its time."""
        self.drain()
        left = (self._stop_at or 0.0) - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left) + self.settings.stop_seconds * (1 - DRAIN_SHARE) / 2):
                await self._empty.wait()
        except TimeoutError:
            return

    @property
    def stop_at(self) -> float | None:
        """When streams end because the gateway does, by time.monotonic(); None: it goes on."""
        return self._stop_at

    @property
    def under_way(self) -> int:
        """How many streams there are."""
        return self._count

    @contextmanager
    def room(self) -> Iterator[None]:
        """A place among the `max_live`. Raises Refusal `no-room` if there is none, `unavailable` while it stops."""
        retry = {"Retry-After": f"{RETRY_SECONDS:.0f}"}
        if self._stop_at is not None:
            raise Refusal("unavailable", "This gateway is being stopped: come to another.", headers=retry)
        most = self.settings.max_live
        if self._count >= most:
            raise Refusal("no-room", f"{most} streams are under way, and no more are taken (max_live).", headers=retry)
        self._count += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._empty.set()

    @asynccontextmanager
    async def owning(self, context: str, stop: Stop) -> AsyncIterator[None]:
        """Whoever goes on with a stream takes it over from a connection that is not known yet to be broken.

        That one is told to end by its `stop`, and waited for, so that its room in the lane is free.
        """
        own, before = _Owner(stop), self._owners.get(context)
        self._owners[context] = own
        try:
            if before is not None:
                before.stop(Refusal("gone", "Somebody else goes on with this stream, by its resume token."))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LEAVE_SECONDS):
                        await before.left.wait()
            yield
        finally:
            own.left.set()
            if self._owners.get(context) is own:
                del self._owners[context]


class _Owner:
    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.left = asyncio.Event()
