"""Brings on what got stuck: a job that is open and for which nothing waits on the bus is asked for again."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import Lost, Unavailable
from shared.model.jobs import end_of
from shared.runtime.logs import log
from shared.transport import wire

if TYPE_CHECKING:
    from shared.model.jobs import JobCancelled, JobDone, JobFailed, JobRequested, SegmentRequested
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
        """Look at every job with a mark; how many were asked for again. Raises Unavailable without a list of them."""
        asked, without_entry = 0, set()
        for job in await self._ledger.open_jobs():
            try:
                asked += await self._bring_on(job)
            except Lost:
                without_entry.add(job)  # it is just being taken in, or that came to nothing
            except (Unavailable, msgspec.MsgspecError) as error:  # of this job: the others are looked at all the same
                log.warning("not reconciled", job=job, detail=str(error))
        for job in without_entry & self._without_entry:
            await self._ledger.close_entry(job)
        self._without_entry = without_entry
        return asked

    async def _bring_on(self, job: str) -> bool:
        """Ask for what is due of a job; of one that is over tell the end once more, and end the mark.

        Raises Lost for a job without an entry.
        """
        record = await self._ledger.read(job)
        if record.state.is_final:
            await self._publish(end_of(record))
            await self._ledger.close_entry(job)
            if not (await self._ledger.read(job)).state.is_final:  # somebody has it tried again, just now
                await self._ledger.mark(job)
            return False
        due = await self._dispatcher.due(record)
        for message in due:
            await self._publish(message)
            log.warning("asked for again", job=job, subject=message.subject)
        return bool(due)

    async def _publish(self, message: JobRequested | SegmentRequested | JobDone | JobFailed | JobCancelled) -> None:
        await self._bus.publish(message.subject, wire.encode(message), self._telemetry.headers())
