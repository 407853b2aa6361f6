from __future__ import annotations

import msgspec
import pytest

from shared.model.hops import HopSummary
from shared.model.jobs import (
    JobCancelled,
    JobEvent,
    JobRecord,
    JobRequested,
    JobState,
    Part,
    SegmentDone,
    SegmentRequested,
    Want,
    part_key,
    record_key,
    result_key,
    source_key,
)
from shared.model.looks import Look
from shared.model.media import MediaKind

RECORD = JobRecord(
    id="a", state=JobState.RUNNING, want=Want.PICTURE, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
)


@pytest.mark.parametrize(
    ("frames", "expected", "state", "progress"),
    [
        (0, 0, JobState.RUNNING, 0.0),
        (50, 0, JobState.RUNNING, 0.0),
        (25, 100, JobState.RUNNING, 0.25),
        (120, 100, JobState.RUNNING, 1.0),
        (3, 0, JobState.DONE, 1.0),
        (25, 100, JobState.FAILED, 0.25),
    ],
)
def test_progress_is_never_more_than_all(frames: int, expected: int, state: JobState, progress: float) -> None:
    record = msgspec.structs.replace(RECORD, frames=frames, frames_expected=expected, state=state)
    assert record.progress == progress


def test_three_states_are_final() -> None:
    assert {state for state in JobState if state.is_final} == {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


def test_a_record_survives_the_ledger() -> None:
    record = msgspec.structs.replace(RECORD, warnings=("cut",), state=JobState.DONE)
    assert msgspec.json.decode(msgspec.json.encode(record), type=JobRecord) == record


def test_an_event_is_told_apart_and_knows_its_subject() -> None:
    event = msgspec.json.decode(msgspec.json.encode(JobCancelled(job="a")), type=JobEvent)
    assert isinstance(event, JobCancelled)
    assert event.subject == "jobs.event.a.job"
    assert JobRequested(job="a").subject == "jobs.plan.a"
    assert SegmentRequested(job="a", segment=3, want=Want.FACES, look=Look()).subject == "jobs.segment.a.3"
    done = SegmentDone(job="a", segment=3, session="s", frames=1, faces=1, timings=())
    assert done.subject == "jobs.event.a.3"


def part(segment: int, *, done: bool = True, attempt: int = 1, frames: int = 5) -> Part:
    return Part(segment=segment, attempt=attempt, owner="a/1", done=done, frames=frames if done else 0, faces=2)


def test_a_job_is_whole_when_all_its_parts_are_done_in_any_order() -> None:
    record = msgspec.structs.replace(RECORD, segments=3)
    assert list(record.open_segments) == [0, 1, 2]
    timings = (HopSummary("detect", 5, 1.0, 2.0, 3.0, 4.0),)
    record = record.with_part(part(2), timings).with_part(part(0, done=False))
    assert (record.state, record.segments_done, record.is_whole) == (JobState.RUNNING, 1, False)
    assert (list(record.open_segments), record.frames, record.timings) == ([0, 1], 5, timings)
    record = record.with_part(part(0)).with_part(part(1))
    assert (record.is_whole, [one.segment for one in record.parts], record.frames) == (True, [0, 1, 2], 15)


def test_what_is_done_is_not_undone_by_another_try() -> None:
    record = msgspec.structs.replace(RECORD, segments=2).with_part(part(0))
    assert record.with_part(part(0, done=False, attempt=2)) == record.with_part(part(0, frames=99)) == record


def test_deaths_of_a_decoder_are_counted_over_all_tries() -> None:
    record = msgspec.structs.replace(RECORD, segments=2).with_part(part(0, done=False)).with_part(part(1, done=False))
    record = record.with_death(0).with_part(part(0, done=False, attempt=2)).with_death(0)
    assert [one.deaths for one in record.parts] == [2, 0]


def test_a_job_that_is_not_planned_is_not_whole() -> None:
    assert not RECORD.is_whole


def test_a_job_keeps_everything_under_its_own_name() -> None:
    keys = [record_key("a"), source_key("a"), part_key("a", 3), part_key("a", 12), result_key("a")]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("jobs/a/") for key in keys)


def test_parts_lie_in_order() -> None:
    keys = [part_key("a", number) for number in range(0, 99_999, 123)]
    assert keys == sorted(keys)
