"""Segments of jobs: from the upload in the object store to the part beside it; with the last one the job is done."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from services.ingest.cuda.decoder import CardRefused
from services.ingest.decoders.making import DecoderDied
from services.ingest.jobs.stopping import until_cancelled
from services.ingest.lane import LaneSession
from services.ingest.messages.decoder import ReadVideo
from shared.model.errors import Late, Lost, Rejected, Unavailable
from shared.model.jobs import (
    DECODER_DEATHS,
    OUR_FAULTS,
    JobCancelled,
    JobDone,
    JobEvent,
    JobFailed,
    Part,
    Problem,
    SegmentDone,
    SegmentFailed,
    events_of,
)
from shared.model.sessions import BeginSession
from shared.runtime.logs import about, log
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
    from pathlib import Path

    from services.ingest.jobs.ends import JobEnds
    from services.ingest.jobs.functions import FunctionCalls
    from services.ingest.jobs.source_files import SourceFiles
    from services.ingest.lane import Lane
    from shared.model.jobs import JobRecord, JobRequested, SegmentRequested
    from shared.model.media import DecodeSummary, Facts
    from shared.runtime.stage import Passage
    from shared.transport.bus import Received
    from shared.transport.dispatching import Dispatcher
    from shared.transport.ledger import JobLedger

WATCH_SECONDS = 0.25
STALL_SECONDS = 15.0
"""Without a word from render for so long the attempt is given up, after the time that a decoder may be silent: a file
that makes no progress is said to be at fault, and not tried again."""
_events = wire.decoder(JobEvent)


class SegmentService:
    """SegmentRequested -> the next segments of the job | JobDone | JobFailed."""

    def __init__(
        self,
        lane: Lane,
        ledger: JobLedger,
        dispatcher: Dispatcher,
        sources: SourceFiles,
        ends: JobEnds,
        work: Path,
        function: FunctionCalls | None = None,
    ) -> None:
        """work: folder for files that live as long as the work on them. function: does segments; None: the lane."""
        self._function = function
        self._lane, self._ledger, self._dispatcher = lane, ledger, dispatcher
        self._sources, self._ends, self._work = sources, ends, work
        self._owner = f"{lane.name}/{work.name}"

    async def segment(
        self, passage: Passage[SegmentRequested]
    ) -> Sequence[SegmentRequested | JobRequested | JobDone | JobFailed]:
        """Process a segment, and put the job together if it was the last one.

        What is wrong with the upload fails the job, what is wrong with us is tried again.
        """
        request = passage.message
        try:
            return await until_cancelled(self._lane.bus, request.job, lambda: self._segment(passage))
        except Late:
            if (told := await self._ends.told_again(request.job)) is None:
                raise
            return [told]
        except Rejected as error:
            return [await self._failed(passage, Problem(error.code, error.detail))]
        except DecoderDied as error:
            record = await self._ledger.change(request.job, lambda now: now.with_death(request.segment))
            part = record.part(request.segment)
            if part is None or part.deaths < DECODER_DEATHS:
                raise Unavailable(str(error)) from error
            return [await self._failed(passage, Problem("decoder-died", str(error)))]

    async def _failed(self, passage: Passage[SegmentRequested], problem: Problem) -> JobFailed:
        passage.notes.failed = problem.code
        return await self._ends.failed(passage.message.job, problem)

    async def _segment(
        self, passage: Passage[SegmentRequested]
    ) -> Sequence[SegmentRequested | JobRequested | JobDone | JobFailed]:
        record = await self._brought_on(passage)
        if not record.is_whole:
            return await self._dispatcher.due(record)
        plan = await self._dispatcher.plan(record.id)
        with _folder(self._work / f"{record.id}-join-{secrets.token_hex(3)}") as folder:
            return [await self._ends.done(record, plan, folder)]

    async def bury(self, request: SegmentRequested, reason: str) -> Sequence[JobDone | JobFailed]:
        """Every try was in vain: the job says so. Its source stays, for the dead letter may be tried again."""
        return await self._ends.given_up(request.job, reason)

    async def _brought_on(self, passage: Passage[SegmentRequested]) -> JobRecord:
        """The job's entry with this segment done, by now or by another try."""
        request = passage.message
        begun = Part(segment=request.segment, attempt=passage.tries, owner=self._owner)
        record = await self._ledger.change(request.job, lambda now: now.with_part(begun))
        if (part := record.part(request.segment)) is None:
            raise Late(f"The job {request.job} has no segment {request.segment} any more.")
        if part.done:
            return record
        session = f"{request.job}-{request.segment}-{passage.tries}-{secrets.token_hex(3)}"
        passage.notes.facts["session"] = session
        try:
            with about(session=session):
                done = await self._drawn(passage, session)
        except Lost as error:
            raise await self._ends.source_gone(request.job) from error
        part = Part(
            segment=request.segment,
            attempt=passage.tries,
            owner=self._owner,
            done=True,
            frames=done.frames,
            faces=done.faces,
            damaged=done.damaged,
            early=done.early,
        )
        log.info("segment done", frames=done.frames, attempt=passage.tries)
        return await self._ledger.change(request.job, lambda now: now.with_part(part, done.timings))

    async def _drawn(self, passage: Passage[SegmentRequested], session: str) -> SegmentDone:
        """Have the part made, here or by the function; afterwards it lies in the object store."""
        job = passage.message.job
        if self._function is not None:
            async with self._lane.bus.listen(events_of(job)) as events:
                calling = self._function.call(passage.message, self._lane.telemetry.headers())
                done = await _until_unwanted(calling, events, session)
            if not await self._ends.has_part(job, passage.message.segment):
                raise Unavailable("The function says that the part is done, and it is not in this object store.")
            return done
        async with self._sources.of(job) as source:
            try:
                done, summary = await self._through_lane(passage, session, source)
            except CardRefused as error:
                if self._lane.card is not None:
                    self._lane.card.refused(session, str(error))
                done, summary = await self._through_lane(passage, f"{session}-cpu", source, card=False)
        return msgspec.structs.replace(done, damaged=summary.damaged_packets, early=summary.ended_early)

    async def _through_lane(
        self, passage: Passage[SegmentRequested], session: str, source: Path, *, card: bool = True
    ) -> tuple[SegmentDone, DecodeSummary]:
        """card: whether the lane's card may decode it, if there is one. Raises CardRefused if it cannot after all."""
        request = passage.message

        def begin(facts: Facts) -> BeginSession:
            return BeginSession(
                session=session, epoch=run.pool.epoch, want=request.want, look=request.look, facts=facts,
                job=request.job, segment=request.segment, span=request.span, attempt=passage.tries,
            )  # fmt: skip

        async with (
            self._lane.bus.listen(events_of(request.job)) as events,
            LaneSession(self._lane, session) as run,
        ):
            task = ReadVideo(str(source), request.facts, request.span, card and self._lane.card is not None)
            feeding = run.feed(task, begin, passage.waited_ms, request.models)
            watching = self._outcome(run, events, request.job, session)
            summary, done = await _both(feeding, watching)
        return done, summary

    async def _outcome(self, run: LaneSession, events: AsyncIterator[Received], job: str, session: str) -> SegmentDone:
        """Wait for render's word. Raises Unavailable if it fails, dies or falls silent, or frames are lost on their way
        to it; Late if nobody wants it."""
        heard, losses = time.monotonic(), self._lane.bus.losses
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
                elif self._lane.bus.losses > losses:
                    raise Unavailable("The bus came back and has lost frames of this session.")
            raise Unavailable(f"Render said nothing about {job} for {most:.0f} s.")
        finally:
            coming.cancel()


async def _next(events: AsyncIterator[Received]) -> Received:
    return await anext(events)


def _ended(event: JobEvent, session: str) -> SegmentDone | None:
    """The end of this session, if the event is that. Raises Unavailable, Rejected or Late for an end without a part."""
    match event:
        case SegmentDone(session=ended) if ended == session:
            return event
        case SegmentFailed(session=ended, problem=problem) if ended == session:
            raise Unavailable(problem.detail) if problem.code in OUR_FAULTS else Rejected(problem.code, problem.detail)
        case JobCancelled() | JobFailed() | JobDone():
            raise Late("The job has come to its end.")
    return None


async def _until_unwanted(
    calling: Coroutine[Any, Any, SegmentDone], events: AsyncIterator[Received], session: str
) -> SegmentDone:
    """What the call comes to, and raises. Raises Late, and hangs up, as soon as nobody wants the job any more."""

    async def watch() -> None:
        async for received in events:
            _ended(wire.decode(received.body, _events), session)

    tasks: tuple[asyncio.Task[SegmentDone], asyncio.Task[None]]
    tasks = (asyncio.create_task(calling), asyncio.create_task(watch()))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            tasks[1].result()
        return await tasks[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
