"""Segments of jobs: every way to their end, and what the ledger says then."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from services.ingest import segments
from services.ingest.decoder import DecoderDied
from services.ingest.limits import IngestLimits
from services.ingest.segments import SegmentService
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
    record_key,
    result_key,
    source_key,
)
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.model.offers import ModelChoice
from shared.runtime.stage import Passage
from shared.transport import wire
from shared.transport.ledger import JobLedger
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from services.ingest.decoder import Join

NOTHING = Look()
REQUEST = SegmentRequested(job="j", want=Want.FACES, look=Look())
RECORD = JobRecord(
    id="j", state=JobState.ACCEPTED, want=Want.FACES, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
)


def _join(task: Join) -> None:
    Path(task.target).write_bytes(b"joined " + Path(task.parts[0]).read_bytes())


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
        self.limits = IngestLimits(decoder_stall_seconds=1)
        self.service = SegmentService(replace(rig.lane, decoders=self), self.store, self.ledger, self.folder)
        rig.render.after_frames = self.render_is_done

    def decode(self, task: Any) -> Any:
        return self.rig.decode(task)

    async def join(self, task: Join) -> MediaKind:
        self.joins.append(task)
        _join(task)
        return MediaKind.MP4

    async def accept(self, **changes: Any) -> None:
        await self.ledger.write(msgspec.structs.replace(RECORD, **changes))
        await self.store.put(source_key("j"), b"an upload")

    async def work(self, tries: int = 1, want: Want = Want.FACES, look: Look = NOTHING) -> JobDone | JobFailed:
        request = msgspec.structs.replace(REQUEST, want=want, look=look)
        [event] = await self.service.segment(Passage(request, tries, 0.0, time.perf_counter()))
        return event

    async def render_is_done(self, _: object) -> None:
        session = self.rig.render.begun[-1].session
        await self.store.put(part_key("j", 0), b"the part")
        await self.tell(SegmentDone(job="j", session=session, frames=3, faces=2, timings=()))

    async def tell(self, event: JobEvent) -> None:
        await self.rig.bus.publish(event.subject, wire.encode(event))

    async def begun(self) -> str:
        await self.rig.until(lambda: self.rig.render.begun)
        return str(self.rig.render.begun[-1].session)

    def kept(self) -> set[str]:
        return {str(path.relative_to(self.objects)) for path in self.objects.rglob("*") if path.is_file()}

    def leftovers(self) -> tuple[list[Path], int]:
        return list(self.folder.iterdir()), self.rig.in_use()


@pytest.fixture
async def office(rig: Any, tmp_path: Path) -> Office:
    made = Office(rig, tmp_path)
    await made.accept()
    rig.scripted(3)
    return made


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
    assert (done.record.result_type, done.record.result_bytes) == ("application/jsonl", 8)
    assert await office.ledger.read("j") == done.record
    assert office.kept() == {record_key("j"), result_key("j")}
    assert office.leftovers() == ([], 0)


async def test_a_picture_gets_the_sound_of_its_source(office: Office) -> None:
    done = await office.work(want=Want.PICTURE)
    assert (await office.store.get(result_key("j")), done.record.result_type) == (b"joined the part", "video/mp4")
    [join] = office.joins
    assert join.source is not None
    assert Path(join.source).name == "source"


async def test_what_is_damaged_is_said_in_the_record(office: Office) -> None:
    office.rig.scripted(3, notice="The last frame is damaged.")
    assert (await office.work()).record.warnings == ("The last frame is damaged.",)


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
    assert await office.ledger.read("j") == failed.record
    assert office.kept() == {record_key("j")}
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
    failed = await office.work(tries=2)
    assert failed.record.problem is not None
    assert (failed.record.state, failed.record.problem.code) == (JobState.FAILED, "decoder-died")


async def test_a_full_disk_of_work_files_is_not_blamed_on_the_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(_: object) -> MediaKind:
        raise DecoderDied("The decoder process ended without an answer.")

    def full(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=0)

    monkeypatch.setattr(office, "join", dies)
    monkeypatch.setattr(segments.shutil, "disk_usage", full)
    with pytest.raises(Unavailable, match="no room for work files"):
        await office.work(tries=2, want=Want.PICTURE)
    assert source_key("j") in office.kept()


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
    await office.service.segment(Passage(msgspec.structs.replace(REQUEST, models=models), 1, 0.0, time.perf_counter()))
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
    with pytest.raises(Lost):
        await office.work()
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


async def test_a_cancelled_job_is_late_and_its_slots_come_back(office: Office) -> None:
    office.rig.render.draws = False
    office.rig.scripted(100)
    working = asyncio.create_task(office.work())
    await office.rig.until(lambda: office.rig.in_use() == office.rig.lane.share)
    await office.tell(JobCancelled(job="j"))
    with pytest.raises(Late):
        await working
    assert office.leftovers() == ([], 0)


async def test_nothing_is_left_of_a_job_that_is_cancelled_at_the_last_moment(office: Office) -> None:
    async def cancelled(_: object) -> None:
        record = await office.ledger.read("j")
        await office.ledger.write(msgspec.structs.replace(record, state=JobState.CANCELLED))
        await office.render_is_done(None)

    office.rig.render.after_frames = cancelled
    with pytest.raises(Late, match="cancelled"):
        await office.work()
    assert (await office.ledger.read("j")).state is JobState.CANCELLED
    assert office.kept() == {record_key("j")}


@pytest.mark.parametrize("state", [state for state in JobState if state.is_final])
async def test_a_job_that_has_come_to_its_end_is_not_done_again(office: Office, state: JobState) -> None:
    await office.accept(state=state)
    with pytest.raises(Late):
        await office.work()
    assert (await office.ledger.read("j")).state is state
    assert office.rig.render.begun == []


async def test_a_job_that_nobody_knows_any_more_is_late(office: Office) -> None:
    await office.store.remove(record_key("j"))
    with pytest.raises(Late):
        await office.work()


@pytest.mark.parametrize("at", ["download", "join"])
async def test_a_job_that_is_cancelled_while_files_are_moved_stops_there(
    office: Office, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    reached = asyncio.Event()

    async def never_ends(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(office.store if at == "download" else office, at, never_ends)
    working = asyncio.create_task(office.work(want=Want.PICTURE))
    await asyncio.wait_for(reached.wait(), 20)
    await office.ledger.cancel("j")
    await office.tell(JobCancelled(job="j"))
    with pytest.raises(Late):
        await asyncio.wait_for(working, 20)
    assert office.kept() == {record_key("j"), cancellation_key("j")}
    assert office.leftovers() == ([], 0)


async def test_nothing_is_left_of_a_job_that_is_removed_while_it_is_worked_on(office: Office) -> None:
    async def removed(_: object) -> None:
        await office.store.remove("jobs/j")
        await office.render_is_done(None)

    office.rig.render.after_frames = removed
    with pytest.raises(Late, match="no job"):
        await office.work()
    assert office.kept() == set()


async def test_a_buried_job_keeps_its_source_and_nothing_else(office: Office) -> None:
    await office.store.put(part_key("j", 0), b"part")
    await office.service.bury(REQUEST, "It was tried 5 times.")
    assert office.kept() == {record_key("j"), source_key("j")}


async def test_a_buried_job_says_so_to_whoever_reads_and_whoever_listens(office: Office) -> None:
    await office.service.bury(REQUEST, "It was tried 5 times.")
    record = await office.ledger.read("j")
    assert (record.state, record.problem) == (JobState.FAILED, Problem("gave-up", "It was tried 5 times."))
    [event] = office.rig.bus.kept("jobs.event.j")
    assert wire.decode(event.body, wire.decoder(JobEvent)) == JobFailed(job="j", record=record)


async def test_a_job_that_is_done_cannot_be_buried(office: Office) -> None:
    await office.accept(state=JobState.DONE)
    await office.service.bury(REQUEST, "too often")
    assert (await office.ledger.read("j")).state is JobState.DONE
    assert office.rig.bus.kept("jobs.event.j") == []
