"""Brings on what got stuck: a job that is open and for which nothing waits on the bus is asked for again."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from shared.model.errors import Lost, Unavailable
from shared.runtime.telemetry import log
from shared.transport import wire

if TYPE_CHECKING:
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus
    from shared.transport.dispatching import Dispatcher
    from shared.transport.ledger import JobLedger

EVERY_SECONDS = 60.0


class Reconciler:
    """Compares the ledger, which is the truth, with the bus. Several gateways may do so at a time."""

    def __init__(self, bus: Bus, ledger: JobLedger, dispatcher: Dispatcher, telemetry: Telemetry) -> None:
        self._bus, self._ledger, self._dispatcher, self._telemetry = bus, ledger, dispatcher, telemetry
        self._without_entry: set[str] = set()

    async def run(self, every_seconds: float = EVERY_SECONDS) -> None:
        """Look at once and then about so often, until cancelled."""
        while True:
            try:
                await self.reconcile()
            except Unavailable as error:
                log.warning("not reconciled", detail=str(error))
            await asyncio.sleep(every_seconds * random.uniform(0.8, 1.2))  # noqa: S311  -- no secret

    async def reconcile(self) -> int:
        """Look at every open job once; how many messages were published. Raises Unavailable."""
        published, without_entry = 0, set()
        for job in await self._ledger.open_jobs():
            try:
                record = await self._ledger.read(job)
            except Lost:
                without_entry.add(job)  # it is just being taken in, or that came to nothing
                continue
            if record.state.is_final:
                await self._ledger.close_entry(job)
                continue
            for message in await self._dispatcher.due(record):
                await self._bus.publish(message.subject, wire.encode(message), self._telemetry.headers())
                log.warning("asked for again", job=job, subject=message.subject)
                published += 1
        for job in without_entry & self._without_entry:
            await self._ledger.close_entry(job)
        self._without_entry = without_entry
        return published
