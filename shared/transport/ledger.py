"""The ledger of jobs in the object store: the truth about each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.model.jobs import JobRecord, JobState, cancellation_key, record_key

if TYPE_CHECKING:
    from shared.transport.store import ObjectStore


class JobLedger:
    """One entry a job."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def open_entry(self, record: JobRecord) -> bool:
        """Write the first entry of a job; False if the job has one."""
        return await self._store.create(record_key(record.id), msgspec.json.encode(record))

    async def read(self, job: str) -> JobRecord:
        """The entry of a job; cancelled if it ever was, whatever was written since. Raises Lost if there is none."""
        record = msgspec.json.decode(await self._store.get(record_key(job)), type=JobRecord)
        if await self._store.exists(cancellation_key(job)):
            return msgspec.structs.replace(record, state=JobState.CANCELLED, result_bytes=0)
        return record

    async def cancel(self, job: str) -> bool:
        """From now on the job is cancelled, for everybody; False if it was before."""
        return await self._store.create(cancellation_key(job), b"")

    async def write(self, record: JobRecord) -> None:
        """Replace the entry of a job."""
        await self._store.put(record_key(record.id), msgspec.json.encode(record))
