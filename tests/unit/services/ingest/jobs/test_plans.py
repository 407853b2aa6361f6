"""services/ingest/jobs/plans.py: a plan is made once, and every way in which there is none ends the job or the try."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from services.ingest.decoders.making import DecoderDied
from services.ingest.jobs.ends import JobEnds
from services.ingest.jobs.plans import WARM_SECONDS, WATCHFUL_WARM_SECONDS, PlanService
from services.ingest.jobs.source_files import SourceFiles
from shared.model.errors import Late, Rejected, Unavailable
from shared.model.jobs import (
    JobCancelled,
    JobFailed,
    JobRecord,
    JobRequested,
    JobState,
    Want,
    cancellation_key,
    plan_key,
    record_key,
    source_key,
)
from shared.model.looks import Look
from shared.model.media import MediaKind, Plan, Span
from shared.runtime.stage import Passage
from shared.testing import MemoryBus
from shared.transport import wire
from shared.transport.dispatching import Dispatcher
from shared.transport.ledger import JobLedger
from shared.transport.store import ObjectStore
from tests.unit.services.ingest.conftest import VIDEO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from services.ingest.decoders.making import Decoders, PlanVideo
    from services.ingest.lane import Lane

RECORD = JobRecord(
    id="j", state=JobState.ACCEPTED, want=Want.PICTURE, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
)
SPANS = (
    Span(begins=0, start=0, end=12, first=0, warm=0, frames=3),
    Span(begins=8, start=12, end=None, first=2, warm=1, frames=4),
)


class Office:
    """A plan service with a job in the store; what the decoder finds is decided by the test."""

    def __init__(self, folder: Path) -> None:
        self.store = ObjectStore.open((folder / "objects").as_uri())
        self.bus, self.ledger = MemoryBus(), JobLedger(self.store)
        self.found: Plan | Exception = Plan(facts=VIDEO, spans=SPANS)
        self.asked: list[PlanVideo] = []
        self.failed: list[str] = []
        self.sources = SourceFiles(self.store, folder / "sources")
        decoders = cast("Decoders", self)
        ends = JobEnds(decoders, self.store, self.ledger, self.sources)
        dispatcher = Dispatcher(self.bus, self.store)
        lane = cast("Lane", SimpleNamespace(bus=self.bus, decoders=decoders))
        self.service = PlanService(lane, self.store, self.ledger, dispatcher, self.sources, ends, 10.0)

    async def plan(self, task: PlanVideo) -> Plan:
        """As Decoders.plan."""
        self.asked.append(task)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def accept(self, **changes: Any) -> None:
        await self.store.remove("jobs/j")
        await self.ledger.open_entry(msgspec.structs.replace(RECORD, **changes))
        await self.store.put(source_key("j"), b"an upload")

    async def planned(self, tries: int = 1) -> Sequence[Any]:
        passage = Passage(JobRequested(job="j"), tries, 0.0, time.perf_counter())
        events = await self.service.plan(passage)
        self.failed.append(passage.notes.failed)
        return events


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    made = Office(tmp_path)
    await made.accept()
    yield made
    made.sources.close()


async def test_a_planned_job_asks_for_its_segments(office: Office) -> None:
    asked = await office.planned()
    assert [(one.subject, one.span, one.facts) for one in asked] == [
        ("jobs.segment.j.0", SPANS[0], VIDEO),
        ("jobs.segment.j.1", SPANS[1], VIDEO),
    ]
    record = await office.ledger.read("j")
    assert (record.state, record.segments, record.frames_expected) == (JobState.RUNNING, 2, 7)


async def test_what_is_not_cut_is_one_segment(office: Office) -> None:
    office.found = Plan(facts=VIDEO)
    [asked] = await office.planned()
    assert (asked.segment, asked.span, asked.facts) == (0, None, None)
    record = await office.ledger.read("j")
    assert (record.segments, record.frames_expected) == (1, VIDEO.frames_likely)


async def test_a_plan_is_made_once(office: Office) -> None:
    await office.planned()
    office.found = Plan(facts=VIDEO)
    assert len(await office.planned()) == 2
    assert len(office.asked) == 1


async def test_of_two_plans_the_first_holds(office: Office) -> None:
    await office.store.put(plan_key("j"), msgspec.json.encode(Plan(facts=VIDEO, spans=SPANS)))
    office.found = Plan(facts=VIDEO)
    assert len(await office.planned()) == 2
    assert (await office.ledger.read("j")).segments == 2


@pytest.mark.parametrize(
    ("changes", "seconds", "warm"),
    [
        ({}, 10.0, WARM_SECONDS),
        ({"look": Look(face_blur=1.0)}, 10.0, WATCHFUL_WARM_SECONDS),
        ({"look": Look(faces="largest")}, 10.0, WARM_SECONDS),
        ({"look": Look(faces=(2,))}, 0.0, WARM_SECONDS),
        ({"look": Look(faces=(2,)), "want": Want.FACES}, 10.0, WARM_SECONDS),
    ],
)
async def test_a_look_for_some_tracks_keeps_a_video_whole(
    office: Office, changes: dict[str, Any], seconds: float, warm: float
) -> None:
    await office.accept(**changes)
    await office.planned()
    assert (office.asked[0].seconds, office.asked[0].warm_seconds) == (seconds, warm)


async def test_an_upload_at_fault_fails_the_job(office: Office) -> None:
    office.found = Rejected("no-video", "Only sound.")
    [failed] = await office.planned()
    assert isinstance(failed, JobFailed)
    assert failed.record.problem is not None
    assert (failed.record.state, failed.record.problem.code) == (JobState.FAILED, "no-video")
    assert office.failed == ["no-video"], "what its trace says"
    assert not await office.store.exists(source_key("j"))


async def test_an_upload_that_is_gone_fails_the_job(office: Office) -> None:
    await office.store.remove(source_key("j"))
    [failed] = await office.planned()
    assert failed.record.problem.code == "source-gone"
    assert office.failed == ["source-gone"]


async def test_a_decoder_that_dies_is_tried_once_more(office: Office) -> None:
    office.found = DecoderDied("killed")
    with pytest.raises(Unavailable):
        await office.planned(tries=1)
    [failed] = await office.planned(tries=2)
    assert failed.record.problem.code == "decoder-died"
    assert office.failed == ["decoder-died"]


async def test_a_job_that_is_no_more_is_late(office: Office) -> None:
    await office.ledger.cancel("j")
    with pytest.raises(Late, match="cancelled"):
        await office.planned()
    await office.store.remove("jobs/j")
    with pytest.raises(Late, match="no job"):
        await office.planned()
    assert await office.service.bury(JobRequested(job="j"), "too often") == []


async def test_a_buried_job_says_so(office: Office) -> None:
    [failed] = await office.service.bury(JobRequested(job="j"), "It was tried 5 times.")
    assert failed.record.problem is not None
    assert failed.record.problem.code == "gave-up"


async def test_a_job_that_is_cancelled_while_it_is_planned_stops_there(office: Office) -> None:
    reached = asyncio.Event()

    async def never_ends(_: PlanVideo) -> Plan:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    office.plan = never_ends  # type: ignore[method-assign]
    working = asyncio.create_task(office.service.plan(Passage(JobRequested(job="j"), 1, 0.0, time.perf_counter())))
    await asyncio.wait_for(reached.wait(), 20)
    await office.ledger.cancel("j")
    event = JobCancelled(job="j")
    await office.bus.publish(event.subject, wire.encode(event))
    with pytest.raises(Late):
        await asyncio.wait_for(working, 20)
    assert await office.store.names("jobs/j") == [cancellation_key("j"), record_key("j")]
