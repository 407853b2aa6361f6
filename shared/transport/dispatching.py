"""Which segments of a job are to be asked for now. Whoever brings a job further asks it; the reconciler asks it too."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import Lost, Unavailable
from shared.model.jobs import WINDOW, JobRequested, SegmentRequested, plan_key
from shared.model.media import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.jobs import JobRecord
    from shared.transport.bus import Bus
    from shared.transport.store import ObjectStore


class Dispatcher:
    """Keeps a few segments of each job on the bus: one that waits there, or is worked on, is not asked for again."""

    def __init__(self, bus: Bus, store: ObjectStore, window: int = WINDOW) -> None:
        """window: so many segments of one job are on the bus at a time."""
        self._bus, self._store, self._window = bus, store, window

    async def due(self, record: JobRecord) -> Sequence[JobRequested | SegmentRequested]:
        """What is to be published so that the job goes on; nothing if that is there already.

        Raises Unavailable where bus or store do not answer, or the plan of many segments is gone.
        """
        if record.state.is_final:
            return ()
        if not record.segments:
            request = JobRequested(job=record.id)
            return () if await self._bus.waiting(request.subject) else (request,)
        # One that is done and whose message is still there is putting the parts together.
        waiting = await self._bus.waiting(f"jobs.segment.{record.id}.*")
        if record.is_whole:
            last = self._request(record, await self.plan(record.id), record.segments - 1)
            return () if waiting else (last,)
        plan = await self.plan(record.id)
        wanted = islice(record.open_segments, self._window)
        requests = [self._request(record, plan, segment) for segment in wanted]
        return [request for request in requests if request.subject not in waiting]

    async def plan(self, job: str) -> Plan | None:
        """How the job is cut; None if that is not there."""
        try:
            return msgspec.json.decode(await self._store.get(plan_key(job)), type=Plan)
        except Lost:
            return None

    @staticmethod
    def _request(record: JobRecord, plan: Plan | None, segment: int) -> SegmentRequested:
        is_cut = plan is not None and plan.spans
        if record.segments > 1 and not is_cut:
            raise Unavailable(f"The plan of the job {record.id} is gone.")
        return SegmentRequested(
            job=record.id,
            segment=segment,
            want=record.want,
            look=record.look,
            models=record.models,
            facts=plan.facts if plan is not None and is_cut else None,
            span=plan.spans[segment] if plan is not None and is_cut else None,
        )
