"""Removes what has outlived its time: jobs, what streams have made, and what nobody finished.

Any number of gateways may sweep: each removes what it finds, and finding it gone is as good. When something was written
last is the store's own word, so that nobody need keep a list.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import msgspec

from services.gateway.names import is_name
from services.gateway.streams.owners import StreamOwners
from shared.model.errors import Lost, Unavailable
from shared.model.job_subjects import events_of
from shared.model.jobs import JobCancelled
from shared.runtime.logs import log
from shared.transport import wire

if TYPE_CHECKING:
    from services.gateway.jobs.removal import JobRemoval
    from shared.transport.bus import Bus
    from shared.transport.ledger import JobLedger
    from shared.transport.store import ObjectStore


@dataclass(slots=True)
class Swept:
    """What one sweep has removed."""

    jobs: int = 0
    streams: int = 0
    uploads: int = 0
    """Of assets, that were never prepared."""
    fragments: int = 0
    """Files that writers left behind when they were killed."""


class Sweeper:
    """Looks through the object store every now and then."""

    def __init__(self, bus: Bus, store: ObjectStore, ledger: JobLedger, removal: JobRemoval) -> None:
        self._bus, self._store, self._ledger, self._removal = bus, store, ledger, removal
        self._owners = StreamOwners(store)

    async def run(self, keep_seconds: float, every_seconds: float) -> None:
        """Sweep until cancelled, the first time soon; gateways that start together sweep apart. 0 keeps all."""
        if not keep_seconds:
            return
        pause = random.uniform(0.0, min(10.0, every_seconds))  # noqa: S311  -- a draw of no consequence
        while True:
            await asyncio.sleep(pause)
            pause = random.uniform(0.5, 1.5) * every_seconds  # noqa: S311
            try:
                swept = await self.sweep(time.time() - keep_seconds)
            except Unavailable as error:
                log.warning("not swept", detail=str(error))
            else:
                if swept != Swept():
                    log.info("swept", **asdict(swept))

    async def sweep(self, before: float) -> Swept:
        """Remove what was written last before then, seconds since 1970. Raises Unavailable."""
        swept = Swept()
        for job in await self._older("jobs", before):
            swept.jobs += await self._sweep_job(job, before)
        for stream in await self._older("streams", before):
            if not await self._owners.is_held(stream):
                swept.streams += await self._store.remove(f"streams/{stream}") > 0
        for upload in await self._older("asset-uploads", before):
            swept.uploads += await self._store.remove(f"asset-uploads/{upload}")
        swept.fragments = await self._store.tidy(before)
        return swept

    async def _older(self, prefix: str, before: float) -> list[str]:
        """Names below a prefix of which nothing was written since; none that is not of ours."""
        newest: dict[str, float] = {}
        async for one in self._store.listed(prefix):
            name = one.key.split("/")[1]
            newest[name] = max(newest.get(name, 0.0), one.changed_unix_seconds)
        return [name for name, changed in newest.items() if changed < before and is_name(name)]

    async def _sweep_job(self, job: str, before: float) -> bool:
        """Remove a job, unless it is worked on: a long one tells of progress and writes nothing for hours."""
        if not await self._is_over(job):
            told = await self._bus.newest(events_of(job))
            if told is not None and told.kept_unix_seconds >= before:
                return False
            message = JobCancelled(job=job)  # whoever watches it, or works on it after all
            await self._bus.publish(message.subject, wire.encode(message))
        await self._removal.everything(job)
        log.info("job expired", job=job)
        return True

    async def _is_over(self, job: str) -> bool:
        """True also for what has no entry, or none that can be read."""
        try:
            return (await self._ledger.read(job)).state.is_final
        except (Lost, msgspec.MsgspecError):
            return True
