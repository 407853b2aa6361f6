"""Takes away what there is of a job, wherever it lies, and says how much that was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from shared.model.callbacks import callback_key
from shared.model.errors import Lost
from shared.model.job_subjects import dead_letters_of, events_of, requests_of
from shared.model.jobs import cancellation_key, context_name, folder_of, open_key, record_key
from shared.transport.ledger import JobLedger

if TYPE_CHECKING:
    from shared.runtime.pasts import Pasts
    from shared.transport.bus import Bus
    from shared.transport.store import ObjectStore


@dataclass(frozen=True, slots=True)
class Removed:
    """How much was taken away."""

    objects: int = 0
    """Of the object store: source, parts, result, entry."""
    requests: int = 0
    """Work that waited for an ingest, or was with one."""
    events: int = 0
    dead_letters: int = 0
    contexts: int = 0
    """What a function has kept of faces at the ends of segments."""


class JobRemoval:
    """Knows every place where something of a job is kept. What is gone already does no harm."""

    def __init__(self, bus: Bus, store: ObjectStore, pasts: Pasts | None = None) -> None:
        """pasts: where functions keep what they know at a segment's end; None: nowhere that is known here."""
        self._bus, self._store, self._pasts = bus, store, pasts
        self._ledger = JobLedger(store)

    async def media(self, job: str) -> Removed:
        """Source, parts and result, what is known of faces, and the work that waits; the entry and who is to be told
        stay.

        Raises Unavailable; a store of contexts that is away forgets them by itself.
        """
        stays = {record_key(job), cancellation_key(job), callback_key(job)}
        folder = folder_of(job)
        places = {_place(folder, one.key) async for one in self._store.listed(folder) if one.key not in stays}
        objects = sum([await self._store.remove(place) for place in sorted(places)])
        requests = await self._purged(requests_of(job))
        return Removed(objects=objects, requests=requests, contexts=await self._forgotten(job))

    async def everything(self, job: str) -> Removed:
        """Nothing of it is left. The entry goes last, so that what failed in the middle is done again. Raises
        Unavailable."""
        removed = await self.media(job)
        removed = replace(
            removed,
            dead_letters=await self._purged(dead_letters_of(job)),
            events=await self._bus.purge(events_of(job)),
        )
        await self._store.remove(open_key(job))
        return replace(removed, objects=removed.objects + await self._store.remove(folder_of(job)))

    async def last_change(self, job: str) -> float:
        """When something of it was written last, seconds since 1970; 0 if nothing lies in the store."""
        return max([one.changed_unix_seconds async for one in self._store.listed(folder_of(job))], default=0.0)

    async def _forgotten(self, job: str) -> int:
        """How many contexts of segments there were."""
        if self._pasts is None:
            return 0
        names = [context_name(job, segment) for segment in range(await self._cuts(job))]
        return await self._pasts.forget(*names) if names else 0

    async def _cuts(self, job: str) -> int:
        """How many segments have one behind them; 0 where no entry says."""
        try:
            return max(0, (await self._ledger.read(job)).segments - 1)
        except (Lost, msgspec.MsgspecError):
            return 0

    async def _purged(self, patterns: tuple[str, ...]) -> int:
        return sum([await self._bus.purge(pattern) for pattern in patterns])


def _place(folder: str, key: str) -> str:
    """The first level below the folder: what is removed at once."""
    return f"{folder}/{key.removeprefix(folder).split('/')[1]}"
