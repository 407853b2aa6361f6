"""The ledger of jobs in the object store: the truth about each of them."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import Late, Lost, Unavailable
from shared.model.jobs import JobRecord, JobState, cancellation_key, open_key, record_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.transport.store import ObjectStore

_ATTEMPTS = 50
"""So often a change is tried anew because somebody else was quicker."""
_PAUSE_SECONDS = 0.02


class JobLedger:
    """One entry a job. Who changes one does so under the condition that it is as it was read."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def open_entry(self, record: JobRecord) -> bool:
        """Write the first entry of a job; False if the job has one."""
        await self.mark(record.id)  # before the entry: a mark without one is harmless
        return await self._store.create(record_key(record.id), msgspec.json.encode(record))

    async def open_jobs(self) -> list[str]:
        """The jobs that have not come to their end, or whose end may not have been told."""
        return [key.rpartition("/")[2] for key in await self._store.names(open_key("").rstrip("/"))]

    async def mark(self, job: str) -> None:
        """The job has not come to its end."""
        await self._store.create(open_key(job), b"")

    async def close_entry(self, job: str) -> None:
        """The job has come to its end, and that was told; or there never was one."""
        await self._store.remove(open_key(job))

    async def read(self, job: str) -> JobRecord:
        """The entry of a job; cancelled if it ever was, whatever was written since. Raises Lost if there is none."""
        return (await self._read(job))[0]

    async def cancel(self, job: str) -> bool:
        """From now on the job is cancelled, for everybody; False if it was before."""
        return await self._store.create(cancellation_key(job), b"")

    async def change(self, job: str, update: Callable[[JobRecord], JobRecord]) -> JobRecord:
        """Replace the entry of a job that has not come to its end by what `update` makes of it; what it is then.

        update: may be called several times, as others change the entry too. Raises Late if there is no such job or it
        has come to its end.
        """
        for _ in range(_ATTEMPTS):
            try:
                record, tag = await self._read(job)
            except Lost as error:
                raise Late(f"There is no job {job} any more.") from error
            if record.state.is_final:
                raise Late(f"The job {job} is {record.state} already.")
            changed = update(record)
            if changed == record or await self._store.replace(record_key(job), msgspec.json.encode(changed), tag):
                return changed
            await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311  -- no secret
        raise Unavailable(f"The entry of {job} is changed by others all the time.")

    async def reopen(self, ended: JobRecord, anew: JobRecord) -> bool:
        """Have a job that has come to its end begin anew; False if its entry is not what it was any more."""
        record, tag = await self._read(ended.id)
        if record != ended:
            return False
        await self._store.create(open_key(anew.id), b"")
        return await self._store.replace(record_key(anew.id), msgspec.json.encode(anew), tag)

    async def _read(self, job: str) -> tuple[JobRecord, str]:
        body, tag = await self._store.get_tagged(record_key(job))
        record = msgspec.json.decode(body, type=JobRecord)
        if await self._store.exists(cancellation_key(job)):
            record = msgspec.structs.replace(record, state=JobState.CANCELLED, result_bytes=0)
        return record, tag
