"""Segments of jobs: from the upload in the object store to the result beside it."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from services.ingest.decoder import DecoderDied
from services.ingest.decoder_messages import Join, ReadVideo
from services.ingest.lane import Lane, LaneSession
from services.ingest.stopping import Cancelled, until_cancelled
from shared.model.errors import Late, Lost, Rejected, Unavailable
from shared.model.job_subjects import events_of
from shared.model.jobs import (
    GAVE_UP,
    JobCancelled,
    JobDone,
    JobEvent,
    JobFailed,
    JobRecord,
    JobState,
    Problem,
    SegmentDone,
    SegmentFailed,
    SegmentRequested,
    Want,
    part_key,
    result_key,
    source_key,
)
from shared.model.media import VideoFacts
from shared.model.sessions import BeginSession
from shared.runtime.telemetry import log
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from pathlib import Path

    from shared.model.media import DecodeSummary, Facts
    from shared.runtime.stage import Passage
    from shared.transport.bus import Received
    from shared.transport.ledger import JobLedger
    from shared.transport.store import ObjectStore

WATCH_SECONDS = 0.25
STALL_SECONDS = 15.0
"""Without a word from render for so long the attempt is given up, after the time that a decoder may be silent: a file
that makes no progress is said to be at fault, and not tried again."""
DECODER_DEATHS = 2
"""A file that ends its decoder so often is at fault."""
LEAST_ROOM_BYTES = 1 << 20
"""With less for work files, a file is not to blame for what could not be written."""
OUR_FAULTS = frozenset({"internal", "unavailable"})
"""Codes of problems that another try may not have; every other is the request's."""
JSON_LINES = "application/jsonl"
_events = wire.decoder(JobEvent)


class SegmentService:
    """SegmentRequested -> JobDone | JobFailed. One segment is the whole job."""

    def __init__(self, lane: Lane, store: ObjectStore, ledger: JobLedger, work: Path) -> None:
        self._lane = lane
        self._store = store
        self._ledger = ledger
        self._work = work

    async def segment(self, passage: Passage[SegmentRequested]) -> list[JobDone | JobFailed]:
        """Process a segment; what is wrong with the upload fails the job, what is wrong with us is tried again."""
        job = passage.message.job
        try:
            return await until_cancelled(self._lane.bus, job, lambda: self._segment(passage))
        except Cancelled:
            await self._remove_media(job)
            raise

    async def _segment(self, passage: Passage[SegmentRequested]) -> list[JobDone | JobFailed]:
        request = passage.message
        record = await self._claim(request.job, passage.tries)
        try:
            return [JobDone(job=request.job, record=await self._process(request, record, passage))]
        except Rejected as error:
            return [await self._fail(record, Problem(error.code, error.detail))]
        except Late:
            await self._remove_media(request.job)
            raise
        except DecoderDied as error:
            if passage.tries < DECODER_DEATHS:
                raise Unavailable(str(error)) from error
            return [await self._fail(record, Problem("decoder-died", str(error)))]

    async def bury(self, request: SegmentRequested, reason: str) -> None:
        """Every try was in vain: the job says so. Its source stays, for the dead letter may be tried again."""
        record = await self._ledger.read(request.job)
        if not record.state.is_final:
            failed = await self._fail(record, Problem(GAVE_UP, reason), keeps_source=True)
            await self._lane.bus.publish(failed.subject, wire.encode(failed), self._lane.telemetry.headers())

    async def _claim(self, job: str, attempt: int) -> JobRecord:
        try:
            record = await self._ledger.read(job)
        except Lost as error:
            raise Late(f"There is no job {job} any more.") from error
        if record.state.is_final:
            raise Late(f"The job {job} is {record.state} already.")
        record = msgspec.structs.replace(record, state=JobState.RUNNING, attempt=attempt)
        await self._ledger.write(record)
        return record

    async def _process(
        self, request: SegmentRequested, record: JobRecord, passage: Passage[SegmentRequested]
    ) -> JobRecord:
        session = f"{request.job}-{passage.tries}-{secrets.token_hex(3)}"
        with _folder(self._work / session) as folder:
            source = folder / "source"
            await self._fetch(request.job, source)
            done, summary, expected = await self._through_lane(request, passage, session, source)
            kind, path = await self._result(request, folder, source, summary)
            await self._store.put(result_key(request.job), path)
            await self._still_wanted(request.job)
            record = msgspec.structs.replace(
                record,
                state=JobState.DONE,
                frames=done.frames,
                frames_expected=expected,
                faces=done.faces,
                timings=done.timings,
                warnings=(summary.notice,) if summary.notice else (),
                result_type=kind,
                result_bytes=path.stat().st_size,
            )
        await self._ledger.write(record)
        await self._store.remove(f"jobs/{request.job}/parts")
        await self._store.remove(source_key(request.job))
        log.info("job done", job=request.job, frames=done.frames, attempt=passage.tries)
        return record

    async def _fetch(self, job: str, source: Path) -> None:
        try:
            await self._store.download(source_key(job), source)
        except Lost as error:
            await self._still_wanted(job)
            if (await self._ledger.read(job)).state.is_final:
                raise  # another try came to the end meanwhile, and its result stays
            raise Rejected("source-gone", "The upload of this job is not in the object store any more.") from error

    async def _through_lane(
        self, request: SegmentRequested, passage: Passage[SegmentRequested], session: str, source: Path
    ) -> tuple[SegmentDone, DecodeSummary, int]:
        expected = 0

        def begin(facts: Facts) -> BeginSession:
            nonlocal expected
            expected = facts.frames_likely if isinstance(facts, VideoFacts) else 1
            return BeginSession(
                session=session, epoch=self._lane.pool.epoch, want=request.want, look=request.look, facts=facts,
                job=request.job, segment=request.segment, attempt=passage.tries,
            )  # fmt: skip

        async with (
            self._lane.bus.listen(events_of(request.job)) as events,
            LaneSession(self._lane, session) as run,
        ):
            feeding = run.feed(ReadVideo(str(source)), begin, passage.waited_ms, request.models)
            watching = self._outcome(run, events, request.job, session)
            summary, done = await _both(feeding, watching)
        return done, summary, expected

    async def _outcome(self, run: LaneSession, events: AsyncIterator[Received], job: str, session: str) -> SegmentDone:
        """Wait for render's word. Raises Unavailable if it fails, dies or falls silent, Late if nobody wants it."""
        heard = time.monotonic()
        most = STALL_SECONDS + self._lane.decoders.limits.decoder_stall_seconds
        coming = asyncio.create_task(_next(events))
        try:
            while time.monotonic() - heard < most:
                await asyncio.wait((coming,), timeout=WATCH_SECONDS)
                if coming.done():
                    heard = time.monotonic()
                    if (done := _ended(wire.decode(coming.result().body, _events), session)) is not None:
                        return done
                    coming = asyncio.create_task(_next(events))
                elif not run.owner_is_alive:
                    raise Unavailable("The render worker of this session died.")
            raise Unavailable(f"Render said nothing about {job} for {most:.0f} s.")
        finally:
            coming.cancel()

    async def _result(
        self, request: SegmentRequested, folder: Path, source: Path, summary: DecodeSummary
    ) -> tuple[str, Path]:
        """The result's media type and file: the part itself, or the part with the source's sound."""
        part, result = folder / "part", folder / "result"
        await self._store.download(part_key(request.job, request.segment), part)
        if request.want is Want.FACES:
            return JSON_LINES, part
        join = Join(parts=(str(part),), target=str(result), source=str(source), cut_audio=summary.ended_early)
        try:
            return await self._lane.decoders.join(join), result
        except DecoderDied as error:
            if shutil.disk_usage(folder).free < LEAST_ROOM_BYTES:
                raise Unavailable(f"There is no room for work files in {self._work}.") from error
            raise

    async def _still_wanted(self, job: str) -> None:
        try:
            record = await self._ledger.read(job)
        except Lost as error:
            raise Late(f"There is no job {job} any more.") from error
        if record.state is JobState.CANCELLED:
            raise Late(f"The job {job} was cancelled.")

    async def _fail(self, record: JobRecord, problem: Problem, *, keeps_source: bool = False) -> JobFailed:
        record = msgspec.structs.replace(record, state=JobState.FAILED, problem=problem)
        await self._ledger.write(record)
        await self._remove_media(record.id, keeps_source=keeps_source)
        log.info("job failed", job=record.id, code=problem.code)
        return JobFailed(job=record.id, record=record)

    async def _remove_media(self, job: str, *, keeps_source: bool = False) -> None:
        """Of a job that has no result; the gateway removes them too, but a part may be written after that."""
        for key in (f"jobs/{job}/parts", result_key(job), *(() if keeps_source else (source_key(job),))):
            await self._store.remove(key)


async def _next(events: AsyncIterator[Received]) -> Received:
    return await anext(events)


def _ended(event: JobEvent, session: str) -> SegmentDone | None:
    """The end of this session, if the event is that. Raises Unavailable, Rejected or Late for an end without a part."""
    match event:
        case SegmentDone(session=ended) if ended == session:
            return event
        case SegmentFailed(session=ended, problem=problem) if ended == session:
            raise Unavailable(problem.detail) if problem.code in OUR_FAULTS else Rejected(problem.code, problem.detail)
        case JobCancelled():
            raise Late("The job was cancelled.")
    return None


async def _both(
    feeding: Coroutine[Any, Any, DecodeSummary], watching: Coroutine[Any, Any, SegmentDone]
) -> tuple[DecodeSummary, SegmentDone]:
    """Both results; the first failure ends the other and is raised as it is."""
    tasks = (asyncio.create_task(feeding), asyncio.create_task(watching))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        return tasks[0].result(), tasks[1].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
