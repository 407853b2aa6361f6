"""Segments of jobs: every way to their end, and what the ledger says then."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from services.ingest.cuda.decoder import CardRefused
from services.ingest.decoders.making import DecoderDied
from services.ingest.jobs import segments
from services.ingest.jobs.ends import JobEnds
from services.ingest.jobs.segments import SegmentService
from services.ingest.jobs.source_files import SourceFiles
from services.ingest.limits import IngestLimits
from shared.model.errors import Late, Lost, Rejected, Unavailable
from shared.model.jobs import (
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
    cancellation_key,
    part_key,
    plan_key,
    record_key,
    result_key,
    source_key,
)
from shared.model.looks import Look
from shared.model.media import MediaKind, Plan, Span
from shared.model.offers import ModelChoice
from shared.runtime.stage import Passage
from shared.transport import wire
from shared.transport.dispatching import Dispatcher
from shared.transport.ledger import JobLedger
from shared.transport.store import ObjectStore
from tests.unit.services.ingest.conftest import VIDEO, ScriptedDecoding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.ingest.decoders.making import Decoders, Join

NOTHING = Look()
RECORD = JobRecord(
    id="j",
    state=JobState.RUNNING,
    want=Want.FACES,
    look=Look(),
    source_kind=MediaKind.MP4,
    created_unix_seconds=0,
    segments=1,
    frames_expected=9,
)
SPANS = (
    Span(begins=0, start=0, end=12, first=0, warm=0, frames=3),
    Span(begins=8, start=12, end=None, first=2, warm=1, frames=3),
)


def _join(task: Join) -> None:
    Path(task.target).write_bytes(b"joined " + b"+".join(Path(part).read_bytes() for part in task.parts))


class Office:
    """A segment service with a job in the store, and a render worker that stores a part and says so."""

    def __init__(self, rig: Any, folder: Path) -> None:
        self.rig = rig
        self.folder = folder / "work"
        self.folder.mkdir()
        self.objects = folder / "objects"
        self.store = ObjectStore.open(self.objects.as_uri())
        self.ledger = JobLedger(self.store)
        self.joins: list[Join] = []
        self.tasks: list[Any] = []
        self.limits = IngestLimits(decoder_stall_seconds=1)
        lane = replace(rig.lane, decoders=self)
        dispatcher = Dispatcher(rig.bus, self.store)
        self.sources = SourceFiles(self.store, self.folder / "sources")
        ends = JobEnds(cast("Decoders", self), self.store, self.ledger, self.sources)
        self.failed: list[str] = []
        self.service = SegmentService(lane, self.ledger, dispatcher, self.sources, ends, self.folder)
        rig.render.after_frames = self.render_is_done

    def decode(self, task: Any) -> Any:
        self.tasks.append(task)
        return self.rig.decode(task)

    async def join(self, task: Join) -> MediaKind:
        self.joins.append(task)
        _join(task)
        return MediaKind.MP4

    async def accept(self, **changes: Any) -> None:
        await self.store.remove("jobs/j")
        await self.ledger.open_entry(msgspec.structs.replace(RECORD, **changes))
        await self.store.put(source_key("j"), b"an upload")

    async def accept_cut(self, **changes: Any) -> None:
        await self.accept(segments=2, want=Want.PICTURE, **changes)
        await self.store.put(plan_key("j"), msgspec.json.encode(Plan(facts=VIDEO, spans=SPANS)))

    async def segment(self, segment: int = 0, tries: int = 1, **changes: Any) -> list[Any]:
        record = await self.ledger.read("j")
        request = SegmentRequested(job="j", segment=segment, want=record.want, look=record.look)
        request = msgspec.structs.replace(request, **changes)
        passage = Passage(request, tries, 0.0, time.perf_counter())
        events = list(await self.service.segment(passage))
        self.failed.append(passage.notes.failed)
        return events

    async def work(self, tries: int = 1) -> JobDone | JobFailed:
        [event] = await self.segment(tries=tries)
        return cast("JobDone | JobFailed", event)

    async def render_is_done(self, _: object) -> None:
        begun = self.rig.render.begun[-1]
        await self.store.put(part_key("j", begun.segment), b"part %d" % begun.segment)
        done = SegmentDone(job="j", segment=begun.segment, session=begun.session, frames=3, faces=2, timings=())
        await self.tell(done)

    async def tell(self, event: JobEvent) -> None:
        await self.rig.bus.publish(event.subject, wire.encode(event))

    async def begun(self) -> str:
        await self.rig.until(lambda: self.rig.render.begun)
        return str(self.rig.render.begun[-1].session)

    def kept(self) -> set[str]:
        return {str(path.relative_to(self.objects)) for path in (self.objects / "jobs").rglob("*") if path.is_file()}

    def leftovers(self) -> tuple[list[str], int]:
        return [path.name for path in self.folder.iterdir() if path.name != "sources"], self.rig.in_use()


@pytest.fixture
async def office(rig: Any, tmp_path: Path) -> AsyncIterator[Office]:
    made = Office(rig, tmp_path)
    await made.accept()
    rig.scripted(3)
    yield made
    made.sources.close()
    assert not list((made.folder / "sources").glob("*"))


async def test_a_job_whose_upload_is_gone_fails_and_says_so(office: Office) -> None:
    await office.accept()
    await office.store.remove(source_key("j"))
    failed = await office.work()
    assert failed.record.problem is not None
    assert failed.record.problem.code == "source-gone"


async def test_a_job_is_done_when_its_result_lies_in_the_store(office: Office) -> None:
    done = await office.work()
    assert isinstance(done, JobDone)
    assert (done.record.state, done.record.frames, done.record.faces) == (JobState.DONE, 3, 2)
    assert (done.record.frames_expected, done.record.attempt, done.record.warnings) == (9, 1, ())
    assert (done.record.result_type, done.record.result_bytes) == ("application/jsonl", 6)
    assert await office.ledger.read("j") == done.record
    assert office.kept() == {record_key("j"), result_key("j")}
    assert office.leftovers() == ([], 0)


async def test_a_picture_gets_the_sound_of_its_source(office: Office) -> None:
    await office.accept(want=Want.PICTURE)
    done = await office.work()
    assert (await office.store.get(result_key("j")), done.record.result_type) == (b"joined part 0", "video/mp4")
    [join] = office.joins
    assert join.source is not None
    assert Path(join.source).name == "source"


async def test_what_is_damaged_is_said_in_the_record(office: Office) -> None:
    office.rig.scripted(3, damaged=2)
    assert (await office.work()).record.warnings == (
        "The file is damaged in 2 places: 3 of about 9 frames could be read.",
    )


async def test_an_attempt_is_a_session_of_its_own(office: Office) -> None:
    await office.work(tries=1)
    await office.accept()
    await office.work(tries=2)
    first, second = office.rig.render.begun
    assert first.session != second.session
    assert [first.attempt, second.attempt] == [1, 2]


async def test_an_upload_at_fault_fails_the_job_and_is_removed(office: Office) -> None:
    office.rig.scripted(error=Rejected("unsupported-media", "This is no video."))
    failed = await office.work()
    assert isinstance(failed, JobFailed)
    assert failed.record.problem == Problem("unsupported-media", "This is no video.")
    assert office.failed == ["unsupported-media"], "what its trace says"
    assert await office.ledger.read("j") == failed.record
    assert office.kept() == {record_key("j")}
    assert office.leftovers() == ([], 0)


async def test_what_a_card_gives_up_in_mid_stream_is_decoded_by_the_cpu_in_the_same_attempt(office: Office) -> None:
    refused, whole = (
        ScriptedDecoding(VIDEO, 2, CardRefused("Its frames change their size.")),
        ScriptedDecoding(VIDEO, 3),
    )
    coming = iter((refused, whole))
    office.rig.decode = lambda _: next(coming)
    done = await office.work()
    assert isinstance(done, JobDone)
    first, second = office.rig.render.begun
    assert first.session != second.session
    assert [first.attempt, second.attempt] == [1, 1]
    assert office.leftovers() == ([], 0)


async def test_a_decoder_that_dies_once_is_tried_again(office: Office) -> None:
    office.rig.scripted(2, error=DecoderDied("killed"))
    with pytest.raises(Unavailable):
        await office.work(tries=1)
    assert (await office.ledger.read("j")).state is JobState.RUNNING
    assert source_key("j") in office.kept()
    assert office.leftovers() == ([], 0)


async def test_a_decoder_that_dies_twice_fails_the_job(office: Office) -> None:
    office.rig.scripted(2, error=DecoderDied("killed"))
    with pytest.raises(Unavailable, match="killed"):
        await office.work(tries=3)
    failed = await office.work(tries=4)
    assert failed.record.problem is not None
    assert (failed.record.state, failed.record.problem.code) == (JobState.FAILED, "decoder-died")
    assert office.failed == ["decoder-died"]


async def test_a_segment_that_render_could_not_finish_is_tried_again(office: Office) -> None:
    async def fail(_: object) -> None:
        await office.tell(SegmentFailed(job="j", session=await office.begun(), problem=Problem("internal", "Broken.")))

    office.rig.render.after_frames = fail
    with pytest.raises(Unavailable, match="Broken"):
        await office.work()
    assert office.leftovers() == ([], 0)


async def test_a_segment_that_the_lane_cannot_serve_fails_its_job_at_the_first_try(office: Office) -> None:
    problem = Problem("unknown-model", "There is no such model here.")

    async def fail(_: object) -> None:
        await office.tell(SegmentFailed(job="j", session=await office.begun(), problem=problem))

    office.rig.render.after_frames = fail
    failed = await office.work()
    assert (failed.record.state, failed.record.problem) == (JobState.FAILED, problem)
    assert office.leftovers() == ([], 0)


async def test_the_models_that_a_job_wants_travel_with_its_frames(office: Office) -> None:
    models = ModelChoice(detector="scrfd-500m", landmarks="keypoints")
    await office.segment(models=models)
    assert {message.models for message in office.rig.render.taken} == {models}


async def test_the_end_of_another_attempt_is_not_taken_for_this_ones(office: Office) -> None:
    async def stale(_: object) -> None:
        await office.tell(SegmentFailed(job="j", session="older", problem=Problem("internal", "Broken.")))
        await office.tell(SegmentDone(job="j", session="older", frames=999, faces=0, timings=()))
        await office.render_is_done(None)

    office.rig.render.after_frames = stale
    assert (await office.work()).record.frames == 3


async def test_an_upload_that_is_gone_because_another_try_has_ended_does_no_harm(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended_meanwhile(_: str, __: Path) -> None:
        await office.accept(state=JobState.DONE)
        await office.store.put(result_key("j"), b"the result of the other try")
        raise Lost("There is no upload.")

    monkeypatch.setattr(office.store, "download", ended_meanwhile)
    assert isinstance(await office.work(), JobDone)
    assert (await office.ledger.read("j")).state is JobState.DONE
    assert await office.store.get(result_key("j")) == b"the result of the other try"


async def test_a_dead_render_worker_means_another_try(office: Office) -> None:
    office.rig.render.draws = False
    office.rig.render.after_frames = None
    office.rig.scripted(100)
    working = asyncio.create_task(office.work())
    await office.rig.until(lambda: office.rig.render.taken)
    office.rig.render.reader.close()
    with pytest.raises(Unavailable, match="died"):
        await working
    assert office.leftovers() == ([], 0)


async def test_a_render_worker_that_says_nothing_is_not_waited_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "STALL_SECONDS", 0.3)
    office.rig.render.after_frames = None
    with pytest.raises(Unavailable, match="said nothing"):
        await office.work()


async def test_frames_that_the_bus_has_lost_are_not_waited_for(office: Office) -> None:
    office.rig.render.after_frames = None
    working = asyncio.create_task(office.work())
    await office.rig.until(lambda: office.rig.render.taken)
    office.rig.bus.losses += 1
    with pytest.raises(Unavailable, match="lost frames"):
        await working
    assert office.leftovers() == ([], 0)


async def test_a_cancelled_job_is_late_and_its_slots_come_back(office: Office) -> None:
    office.rig.render.draws = False
    office.rig.scripted(100)
    working = asyncio.create_task(office.work())
    await office.rig.until(lambda: office.rig.in_use() == office.rig.lane.most_slots)
    await office.tell(JobCancelled(job="j"))
    with pytest.raises(Late):
        await working
    assert office.leftovers() == ([], 0)


async def test_nothing_is_left_of_a_job_that_is_cancelled_at_the_last_moment(office: Office) -> None:
    async def cancelled(_: object) -> None:
        await office.ledger.cancel("j")
        await office.render_is_done(None)

    office.rig.render.after_frames = cancelled
    with pytest.raises(Late, match="cancelled"):
        await office.work()
    assert (await office.ledger.read("j")).state is JobState.CANCELLED
    assert office.kept() == {record_key("j"), cancellation_key("j")}


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED])
async def test_of_a_job_that_has_come_to_its_end_that_is_told_again(office: Office, state: JobState) -> None:
    await office.accept(state=state)
    await office.store.put(result_key("j"), b"the result")
    told = await office.work()
    assert (type(told), told.record.state) == (JobDone if state is JobState.DONE else JobFailed, state)
    assert office.rig.render.begun == []
    assert (result_key("j") in office.kept()) == (state is JobState.DONE)


async def test_a_cancelled_job_is_not_begun(office: Office) -> None:
    await office.ledger.cancel("j")
    with pytest.raises(Late):
        await office.work()
    assert office.rig.render.begun == []


async def test_a_job_that_nobody_knows_any_more_is_late(office: Office) -> None:
    request = SegmentRequested(job="nobody", want=Want.FACES, look=Look())
    with pytest.raises(Late):
        await office.service.segment(Passage(request, 1, 0.0, time.perf_counter()))


@pytest.mark.parametrize("at", ["download", "join"])
async def test_a_job_that_is_cancelled_while_files_are_moved_stops_there(
    office: Office, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    reached = asyncio.Event()

    async def never_ends(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    await office.accept(want=Want.PICTURE)
    monkeypatch.setattr(office.store if at == "download" else office, at, never_ends)
    working = asyncio.create_task(office.work())
    await asyncio.wait_for(reached.wait(), 20)
    await office.ledger.cancel("j")
    await office.tell(JobCancelled(job="j"))
    with pytest.raises(Late):
        await asyncio.wait_for(working, 20)
    assert await office.store.names("jobs/j") == [cancellation_key("j"), record_key("j")]


async def test_nothing_is_left_of_a_job_that_is_removed_while_it_is_worked_on(office: Office) -> None:
    async def removed(_: object) -> None:
        await office.store.remove("jobs/j")
        await office.render_is_done(None)

    office.rig.render.after_frames = removed
    with pytest.raises(Late, match="no job"):
        await office.work()
    assert await office.store.names("jobs") == []


async def test_a_buried_job_keeps_its_source_and_nothing_else(office: Office) -> None:
    request = SegmentRequested(job="j", want=Want.FACES, look=Look())
    await office.store.put(part_key("j", 0), b"part")
    for _ in range(2):  # another segment of it may come after that
        await office.service.bury(request, "It was tried 5 times.")
        assert isinstance(await office.work(), JobFailed)
    assert await office.store.names("jobs/j") == [record_key("j"), source_key("j")]


async def test_a_buried_job_says_so_to_whoever_reads_and_whoever_listens(office: Office) -> None:
    request = SegmentRequested(job="j", want=Want.FACES, look=Look())
    told = await office.service.bury(request, "It was tried 5 times.")
    record = await office.ledger.read("j")
    assert (record.state, record.problem) == (JobState.FAILED, Problem("gave-up", "It was tried 5 times."))
    assert told == [JobFailed(job="j", record=record)]


async def test_a_job_that_is_done_cannot_be_buried(office: Office) -> None:
    await office.accept(state=JobState.DONE)
    request = SegmentRequested(job="j", want=Want.FACES, look=Look())
    [told] = await office.service.bury(request, "too often")
    assert isinstance(told, JobDone)
    assert (await office.ledger.read("j")).state is JobState.DONE


async def test_a_segment_that_is_done_asks_for_those_that_nobody_has_asked_for(office: Office) -> None:
    await office.accept_cut()
    [asked] = await office.segment(0, facts=VIDEO, span=SPANS[0])
    assert (asked.subject, asked.facts, asked.span) == ("jobs.segment.j.1", VIDEO, SPANS[1])
    record = await office.ledger.read("j")
    assert (record.state, record.frames, record.segments_done, record.is_whole) == (JobState.RUNNING, 3, 1, False)
    [task] = office.tasks
    assert (task.fit, task.span) == (VIDEO, SPANS[0])
    assert (office.rig.render.begun[-1].span, source_key("j") in office.kept()) == (SPANS[0], True)


async def test_the_last_segment_puts_the_parts_together_whichever_it_is(office: Office) -> None:
    await office.accept_cut()
    await office.segment(1, facts=VIDEO, span=SPANS[1])
    [done] = await office.segment(0, facts=VIDEO, span=SPANS[0])
    assert isinstance(done, JobDone)
    assert await office.store.get(result_key("j")) == b"joined part 0+part 1"
    assert (done.record.frames, done.record.faces, done.record.state) == (6, 4, JobState.DONE)
    assert office.kept() == {record_key("j"), result_key("j")}


async def test_a_segment_that_is_asked_for_twice_is_done_once(office: Office) -> None:
    await office.accept_cut()
    for _ in range(2):
        await office.segment(0, facts=VIDEO, span=SPANS[0])
    assert len(office.rig.render.begun) == 1


async def test_a_job_whose_parts_are_all_there_is_put_together_by_the_next_try(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> MediaKind:
        raise Unavailable("away")

    await office.accept(want=Want.PICTURE)
    with monkeypatch.context() as broken:
        broken.setattr(office, "join", away)
        with pytest.raises(Unavailable):
            await office.segment()
    assert (await office.ledger.read("j")).is_whole
    [done] = await office.segment(tries=2)
    assert isinstance(done, JobDone)
    assert len(office.rig.render.begun) == 1


async def test_when_another_segment_has_failed_the_job_the_work_ends(office: Office) -> None:
    office.rig.render.draws = False
    office.rig.scripted(100)
    await office.accept_cut()
    working = asyncio.create_task(office.segment(0))
    await office.rig.until(lambda: office.rig.in_use() == office.rig.lane.most_slots)
    failed = await office.service._ends.failed("j", Problem("damaged-media", "Not readable."))
    await office.tell(failed)
    assert await working == [failed]
    assert office.leftovers() == ([], 0)


async def test_when_another_try_has_brought_the_job_to_its_end_the_work_ends(office: Office) -> None:
    office.rig.render.draws = False
    office.rig.scripted(100)
    working = asyncio.create_task(office.work())
    await office.rig.until(lambda: office.rig.in_use() == office.rig.lane.most_slots)
    record = await office.ledger.change("j", lambda now: msgspec.structs.replace(now, state=JobState.DONE))
    await office.tell(JobDone(job="j", record=record))
    assert (await working).record.state is JobState.DONE
    assert office.leftovers() == ([], 0)


class Elsewhere:
    """In the place of a function: stores a part, or waits to be hung up on."""

    def __init__(self, office: Office) -> None:
        self.office, self.hung_up = office, False
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked: list[SegmentRequested] = []

    async def call(self, request: SegmentRequested, headers: Any) -> SegmentDone:
        self.asked.append(request)
        try:
            await self.answers.wait()
        finally:
            self.hung_up = not self.answers.is_set()
        await self.office.store.put(part_key("j", request.segment), b"part %d" % request.segment)
        return SegmentDone(job="j", segment=request.segment, session="e", frames=3, faces=2, timings=(), damaged=2)


@pytest.fixture
def elsewhere(office: Office) -> Elsewhere:
    made = Elsewhere(office)
    office.service._function = cast("Any", made)
    return made


async def test_a_function_does_a_segment_in_the_place_of_the_lane(office: Office, elsewhere: Elsewhere) -> None:
    done = await office.work()
    assert (done.record.state, done.record.frames, done.record.faces) == (JobState.DONE, 3, 2)
    assert "damaged in 2 places" in done.record.warnings[0]
    assert [request.job for request in elsewhere.asked] == ["j"]
    assert (office.tasks, office.rig.render.begun) == ([], [])


async def test_a_function_is_hung_up_on_when_nobody_wants_the_job_any_more(
    office: Office, elsewhere: Elsewhere
) -> None:
    elsewhere.answers.clear()
    working = asyncio.create_task(office.work())
    await office.rig.until(lambda: elsewhere.asked)
    await office.ledger.cancel("j")
    await office.tell(JobCancelled(job="j"))
    with pytest.raises(Late):
        await working
    assert elsewhere.hung_up


async def test_a_part_that_is_gone_is_done_anew(office: Office) -> None:
    await office.accept_cut()
    await office.segment(0, facts=VIDEO, span=SPANS[0])
    await office.store.remove(part_key("j", 0))
    with pytest.raises(Unavailable, match=r"Part 0 .* is gone"):
        await office.segment(1, facts=VIDEO, span=SPANS[1])
    assert list((await office.ledger.read("j")).open_segments) == [0]
    [asked] = await office.segment(1, tries=2, facts=VIDEO, span=SPANS[1])
    assert asked.segment == 0
    [done] = await office.segment(0, facts=VIDEO, span=SPANS[0])
    assert isinstance(done, JobDone)


async def test_a_segment_that_the_plan_does_not_have_is_late_and_harms_nothing(office: Office) -> None:
    with pytest.raises(Late, match="no segment 7"):
        await office.segment(7)
    assert source_key("j") in office.kept()
    assert (await office.ledger.read("j")).parts == ()
