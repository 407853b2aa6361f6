"""shared/model/callbacks.py."""

from __future__ import annotations

import pytest

from shared.model.callbacks import CallbackDue, callback_key, end_of
from shared.model.jobs import (
    JobCancelled,
    JobDone,
    JobEvent,
    JobFailed,
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


def record(state: JobState) -> JobRecord:
    return JobRecord(
        id="j", state=state, want=Want.PICTURE, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
    )


@pytest.mark.parametrize(
    ("event", "end"),
    [
        (JobDone(job="j", record=record(JobState.DONE)), JobState.DONE),
        (JobFailed(job="j", record=record(JobState.FAILED)), JobState.FAILED),
        (JobCancelled(job="j"), JobState.CANCELLED),
        (JobProgressed(job="j", attempt=1, frames=1, faces=0, timings=()), None),
        (SegmentDone(job="j", session="s", frames=1, faces=0, timings=()), None),
        (SegmentFailed(job="j", session="s", problem=Problem("internal", "x")), None),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_job_ends_by_three_events(event: JobEvent, end: JobState | None) -> None:
    assert end_of(event) is end


def test_a_call_has_one_id_a_job_and_end() -> None:
    ids = {CallbackDue(job=job, event=end).message_id for job in "ab" for end in (JobState.DONE, JobState.CANCELLED)}
    assert len(ids) == 4
    assert all(one.isascii() and "." not in one for one in ids)


def test_what_became_of_a_call_lies_with_its_job() -> None:
    assert callback_key("j") == "jobs/j/callback.json"
