"""What an event adds to a ledger entry."""

from __future__ import annotations

import pytest

from services.gateway.job_desk import merged
from shared.model.jobs import (
    JobCancelled,
    JobDone,
    JobEvent,
    JobProgressed,
    JobRecord,
    JobState,
    Problem,
    SegmentDone,
    SegmentFailed,
    Want,
)
from shared.model.looks import Look
from shared.model.media import MediaKind

JOB = "a" * 20
RUNNING = JobRecord(
    id=JOB,
    state=JobState.RUNNING,
    want=Want.PICTURE,
    look=Look(),
    source_kind=MediaKind.MP4,
    created_unix_seconds=0,
    attempt=2,
)
CANCELLED = JobRecord(
    id=JOB, state=JobState.CANCELLED, want=Want.PICTURE, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
)


def progressed(attempt: int) -> JobProgressed:
    return JobProgressed(job=JOB, attempt=attempt, frames=5, frames_expected=10, faces=3, timings=())


def test_progress_of_this_attempt_counts() -> None:
    found = merged(RUNNING, progressed(2))
    assert (found.progress, found.faces, found.attempt) == (0.5, 3, 2)


def test_progress_of_an_older_attempt_does_not() -> None:
    assert merged(RUNNING, progressed(1)) == RUNNING


def test_a_segment_that_is_done_is_no_step_back() -> None:
    found = merged(RUNNING, SegmentDone(job=JOB, session="s", frames=10, faces=9, timings=()))
    assert (found.state, found.progress, found.faces) == (JobState.RUNNING, 1.0, 9)


def test_the_last_event_may_come_before_its_entry_is_seen() -> None:
    assert merged(RUNNING, JobDone(job=JOB, record=CANCELLED)) == CANCELLED
    assert merged(RUNNING, JobCancelled(job=JOB)).state is JobState.CANCELLED


@pytest.mark.parametrize("event", [progressed(9), JobDone(job=JOB, record=RUNNING)])
def test_a_final_entry_stays(event: JobEvent) -> None:
    assert merged(CANCELLED, event) == CANCELLED


def test_what_may_be_tried_again_is_not_told() -> None:
    failed = SegmentFailed(job=JOB, session="s", problem=Problem("internal", "x"))
    assert merged(RUNNING, failed) == merged(RUNNING, None) == RUNNING
