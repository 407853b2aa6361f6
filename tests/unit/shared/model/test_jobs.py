from __future__ import annotations

import msgspec
import pytest

from shared.model.jobs import (
    JobCancelled,
    JobEvent,
    JobRecord,
    JobState,
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
    assert event.subject == "jobs.event.a"
    assert SegmentRequested(job="a", want=Want.FACES, look=Look()).subject == "jobs.segment.a.0"


def test_a_job_keeps_everything_under_its_own_name() -> None:
    keys = [record_key("a"), source_key("a"), part_key("a", 3), part_key("a", 12), result_key("a")]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("jobs/a/") for key in keys)


def test_parts_lie_in_order() -> None:
    keys = [part_key("a", number) for number in range(0, 99_999, 123)]
    assert keys == sorted(keys)
