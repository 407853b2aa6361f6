"""The first step of a job: its upload is looked at, and cut into segments where that is possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from services.ingest.decoders.making import DecoderDied
from services.ingest.jobs.stopping import until_cancelled
from services.ingest.messages.decoder import PlanVideo
from shared.model.errors import Late, Lost, Rejected, Unavailable
from shared.model.jobs import DECODER_DEATHS, JobState, Problem, Want, plan_key
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.ingest.jobs.ends import JobEnds
    from services.ingest.jobs.source_files import SourceFiles
    from services.ingest.lane import Lane
    from shared.model.jobs import JobDone, JobFailed, JobRecord, JobRequested, SegmentRequested
    from shared.model.media import Plan
    from shared.runtime.stage import Passage, Publishable
    from shared.transport.dispatching import Dispatcher
    from shared.transport.ledger import JobLedger
    from shared.transport.store import ObjectStore

WARM_SECONDS, WATCHFUL_WARM_SECONDS = 0.7, 1.4
"""Of frames that a segment is warmed up with; longer where heads that are lost are hidden for as long as that."""


class PlanService:
    """JobRequested -> its first segments."""

    def __init__(
        self,
        lane: Lane,
        store: ObjectStore,
        ledger: JobLedger,
        dispatcher: Dispatcher,
        sources: SourceFiles,
        ends: JobEnds,
        segment_seconds: float,
    ) -> None:
        """segment_seconds: that a segment lasts at most; 0: no video is cut."""
        self._bus, self._decoders, self._store, self._ledger = lane.bus, lane.decoders, store, ledger
        self._dispatcher, self._sources, self._ends = dispatcher, sources, ends
        self._seconds = segment_seconds

    async def plan(self, passage: Passage[JobRequested]) -> Sequence[Publishable]:
        """Plan a job that has no plan; what is wrong with the upload fails it, what is wrong with us is tried again."""
        job = passage.message.job
        try:
            return await until_cancelled(self._bus, job, lambda: self._plan(passage))
        except Late:
            if (told := await self._ends.told_again(job)) is None:
                raise
            return [told]

    async def _plan(self, passage: Passage[JobRequested]) -> Sequence[SegmentRequested | JobRequested | JobFailed]:
        job = passage.message.job
        try:
            record = await self._ledger.read(job)
        except Lost as error:
            raise Late(f"There is no job {job} any more.") from error
        if record.state.is_final:
            raise Late(f"The job {job} is {record.state} already.")
        try:
            if not record.segments:
                record = await self._planned(record)
            return await self._dispatcher.due(record)
        except Lost:
            gone = await self._ends.source_gone(job)
            return [await self._failed(passage, Problem(gone.code, gone.detail))]
        except Rejected as error:
            return [await self._failed(passage, Problem(error.code, error.detail))]
        except DecoderDied as error:
            if passage.tries < DECODER_DEATHS:
                raise Unavailable(str(error)) from error
            return [await self._failed(passage, Problem("decoder-died", str(error)))]

    async def _failed(self, passage: Passage[JobRequested], problem: Problem) -> JobFailed:
        passage.notes.failed = problem.code
        return await self._ends.failed(passage.message.job, problem)

    async def bury(self, request: JobRequested, reason: str) -> Sequence[JobDone | JobFailed]:
        """Every try was in vain: the job says so."""
        return await self._ends.given_up(request.job, reason)

    async def _planned(self, record: JobRecord) -> JobRecord:
        async with self._sources.of(record.id) as source:
            warm = WATCHFUL_WARM_SECONDS if record.look.hides_faces else WARM_SECONDS
            seconds = self._seconds if _can_be_cut(record) else 0.0
            made = await self._decoders.plan(PlanVideo(str(source), seconds, warm))
        await self._store.create(plan_key(record.id), msgspec.json.encode(made))
        plan = await self._dispatcher.plan(record.id) or made  # if two have planned it, the first one's holds
        record = await self._ledger.change(record.id, lambda now: _with_plan(now, plan))
        log.info("job planned", segments=plan.segments, frames=record.frames_expected)
        return record


def _can_be_cut(record: JobRecord) -> bool:
    """Who is which track is known only to who has seen all that came before."""
    return record.want is Want.FACES or isinstance(record.look.faces, str)


def _with_plan(record: JobRecord, plan: Plan) -> JobRecord:
    frames = sum(span.frames for span in plan.spans) or plan.facts.frames_likely
    return msgspec.structs.replace(record, state=JobState.RUNNING, segments=plan.segments, frames_expected=frames)
