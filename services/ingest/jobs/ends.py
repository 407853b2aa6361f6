"""How a job comes to its end in ingest: put together and done, or failed; what is not needed any more is removed."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from operator import methodcaller
from typing import TYPE_CHECKING

import msgspec

from services.ingest.decoders.making import DecoderDied
from services.ingest.jobs.face_parts import join_faces
from services.ingest.messages.decoder import Join
from shared.model.errors import Late, Lost, Rejected, Unavailable
from shared.model.jobs import (
    GAVE_UP,
    JobDone,
    JobFailed,
    JobState,
    Problem,
    Want,
    part_key,
    parts_key,
    plan_key,
    result_key,
    source_key,
)
from shared.model.media import notice_of
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from services.ingest.decoders.making import Decoders
    from services.ingest.jobs.source_files import SourceFiles
    from shared.model.jobs import JobRecord
    from shared.model.media import MediaKind, Plan
    from shared.transport.ledger import JobLedger
    from shared.transport.store import ObjectStore

LEAST_ROOM_BYTES = 1 << 20
JSON_LINES = "application/jsonl"


class JobEnds:
    """The last steps of jobs. Each may be taken twice: the second time changes nothing."""

    def __init__(self, decoders: Decoders, store: ObjectStore, ledger: JobLedger, sources: SourceFiles) -> None:
        self._decoders, self._store, self._ledger, self._sources = decoders, store, ledger, sources

    async def done(self, record: JobRecord, plan: Plan | None, folder: Path) -> JobDone:
        """Put the parts together, with the source's sound; the entry says then that the job is done.

        folder: empty, for the files meanwhile. Raises Late if nobody wants the job any more, Rejected for a source that
        cannot be read, Unavailable if something does not answer.
        """
        kind, path = await self._joined(record, plan, folder)
        await self._store.put(result_key(record.id), path)
        early, damaged = any(part.early for part in record.parts), sum(part.damaged for part in record.parts)
        notice = notice_of(record.frames, record.frames_expected, damaged, early=early)
        size = path.stat().st_size

        def finished(now: JobRecord) -> JobRecord:
            return msgspec.structs.replace(
                now,
                state=JobState.DONE,
                warnings=(notice,) if notice else (),
                result_type=kind,
                result_bytes=size,
            )

        record = await self._ledger.change(record.id, finished)
        await self._remove_unwanted(record.id, record)
        log.info("job done", job=record.id, frames=record.frames, segments=record.segments)
        return JobDone(job=record.id, record=record.told)

    async def failed(self, job: str, problem: Problem) -> JobFailed:
        """The entry says why there will be no result; what was given up by no fault of its source keeps that.

        Raises Late if the job has come to its end already.
        """

        def failed(now: JobRecord) -> JobRecord:
            return msgspec.structs.replace(now, state=JobState.FAILED, problem=problem)

        record = await self._ledger.change(job, failed)
        await self._remove_unwanted(job, record)
        log.info("job failed", job=job, code=problem.code)
        return JobFailed(job=job, record=record.told)

    async def given_up(self, job: str, reason: str) -> Sequence[JobDone | JobFailed]:
        """Every try was in vain: the entry says so, or that end is told again which the job has had before."""
        try:
            return [await self.failed(job, Problem(GAVE_UP, reason))]
        except Late:
            told = await self.told_again(job)
            return [] if told is None else [told]

    async def told_again(self, job: str) -> JobDone | JobFailed | None:
        """Of a job that has come to its end while somebody worked on it: that end, which may not have been told.

        What it is not to keep is removed: it came after its end, or whoever ended it was killed before that. Nothing of
        one that goes on.
        """
        record = None
        with suppress(Lost):
            record = await self._ledger.read(job)
        if record is not None and not record.state.is_final:
            return None
        await self._remove_unwanted(job, record)
        if record is not None and record.state is JobState.DONE:
            return JobDone(job=job, record=record.told)
        if record is not None and record.state is JobState.FAILED:
            return JobFailed(job=job, record=record.told)
        return None

    async def has_part(self, job: str, segment: int) -> bool:
        """Whether a part lies in the object store."""
        return await self._store.exists(part_key(job, segment))

    async def source_gone(self, job: str) -> Rejected:
        """What a job fails with whose upload is gone. Raises Late if it has come to its end meanwhile."""
        await self._ledger.change(job, lambda now: now)
        return Rejected("source-gone", "The upload of this job is not in the object store any more.")

    async def _remove_unwanted(self, job: str, record: JobRecord | None) -> None:
        self._sources.forget(job)
        for key in _unwanted(record, job):
            await self._store.remove(key)

    async def _joined(self, record: JobRecord, plan: Plan | None, folder: Path) -> tuple[str, Path]:
        """The result's media type and file: the parts one after the other, and the sound of the source."""
        job, target = record.id, folder / "result"
        parts = [folder / f"part-{number}" for number in range(record.segments)]
        await self._fetch_parts(job, parts)
        try:
            if record.want is Want.FACES:
                if plan is None or not plan.spans:
                    return JSON_LINES, parts[0]
                await asyncio.to_thread(join_faces, parts, plan, target)
                return JSON_LINES, target
            async with self._sources.of(job) as source:
                names = tuple(map(str, parts))
                early = any(part.early for part in record.parts)
                join = Join(parts=names, target=str(target), source=str(source), cut_audio=early)
                return await self._with_room(join, folder), target
        except Lost as error:
            raise await self.source_gone(job) from error

    async def _fetch_parts(self, job: str, paths: Sequence[Path]) -> None:
        """Raises Unavailable where a part is gone, which is to be done anew then, Late if the job is over."""
        for number, path in enumerate(paths):
            try:
                await self._store.download(part_key(job, number), path)
            except Lost as error:
                await self._ledger.change(job, methodcaller("without_part", number))
                raise Unavailable(f"Part {number} of the job {job} is gone, and is done anew.") from error

    async def _with_room(self, join: Join, folder: Path) -> MediaKind:
        """Raises Unavailable where there is no room for the file: the source is not to blame then."""
        try:
            return await self._decoders.join(join)
        except DecoderDied as error:
            if shutil.disk_usage(folder).free < LEAST_ROOM_BYTES:
                raise Unavailable(f"There is no room for work files in {folder.parent}.") from error
            raise


def _unwanted(record: JobRecord | None, job: str) -> Iterator[str]:
    """Keys of what a job that has come to its end is not to keep. record: None where there is no entry any more."""
    yield parts_key(job)
    yield plan_key(job)
    if record is None or record.state is not JobState.DONE:
        yield result_key(job)
    if not _was_given_up(record):
        yield source_key(job)


def _was_given_up(record: JobRecord | None) -> bool:
    if record is None or record.state is not JobState.FAILED or record.problem is None:
        return False
    return record.problem.code == GAVE_UP
