"""What an event adds to a ledger entry."""

from __future__ import annotations

import pytest

from services.gateway.jobs.desk import merged
from shared.model.jobs import (
    JobCancelled,
    JobDone,
    JobEvent,
    JobProgressed,
    JobRecord,
    JobState,
    Part,
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
    segments=3,
    parts=(
        Part(segment=0, attempt=1, owner="local/1", done=True, frames=10, faces=8),
        Part(segment=1, attempt=2, owner="local/1"),
    ),
    frames=10,
    faces=8,
    frames_expected=30,
)
CANCELLED = JobRecord(
    id=JOB, state=JobState.CANCELLED, want=Want.PICTURE, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
)


def progressed(attempt: int, segment: int = 1) -> JobProgressed:
    return JobProgressed(job=JOB, segment=segment, attempt=attempt, frames=5, faces=3, timings=())


def test_progress_of_a_segment_that_is_under_way_comes_on_top_of_what_is_done() -> None:
    found = merged(RUNNING, [progressed(2)])
    assert (found.progress, found.faces, found.attempt) == (0.5, 11, 2)


@pytest.mark.parametrize("event", [progressed(1), progressed(9, segment=0), progressed(1, segment=2)])
def test_progress_of_an_older_attempt_or_of_what_is_done_or_not_begun_does_not_count(event: JobEvent) -> None:
    assert merged(RUNNING, [event]) == RUNNING


def test_a_segment_that_is_done_is_no_step_back() -> None:
    done = SegmentDone(job=JOB, segment=1, session="s", frames=10, faces=9, timings=())
    found = merged(RUNNING, [done])
    assert (found.state, found.frames, found.faces) == (JobState.RUNNING, 20, 17)


@pytest.mark.parametrize("event", [JobDone(job=JOB, record=CANCELLED), JobCancelled(job=JOB)])
def test_an_end_counts_when_the_entry_tells_of_it(event: JobEvent) -> None:
    assert merged(RUNNING, [event]) == RUNNING


@pytest.mark.parametrize("event", [progressed(9), JobDone(job=JOB, record=RUNNING)])
def test_a_final_entry_stays(event: JobEvent) -> None:
    assert merged(CANCELLED, [event]) == CANCELLED


def test_what_may_be_tried_again_is_not_told() -> None:
    failed = SegmentFailed(job=JOB, segment=1, session="s", problem=Problem("internal", "x"))
    assert merged(RUNNING, [failed]) == merged(RUNNING, []) == RUNNING
