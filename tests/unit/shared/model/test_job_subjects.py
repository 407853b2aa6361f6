"""The patterns fit what the messages of a job say of themselves, and nothing of another's."""

from __future__ import annotations

import pytest

from shared.model.job_subjects import DEAD_LETTERS, dead_letters_of, events_of, requests_of
from shared.model.jobs import JobCancelled, JobProgressed, JobRequested, SegmentRequested, Want
from shared.model.looks import Look
from shared.transport.topology import matches

REQUESTS = (JobRequested(job="a"), SegmentRequested(job="a", segment=3, want=Want.FACES, look=Look()))
EVENTS = (JobCancelled(job="a"), JobProgressed(job="a", segment=3, attempt=1, frames=1, faces=1, timings=()))


def fits(patterns: tuple[str, ...], subject: str) -> bool:
    return any(matches(pattern, subject) for pattern in patterns)


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_patterns_of_a_job_fit_its_requests_and_no_others(request_: JobRequested | SegmentRequested) -> None:
    assert fits(requests_of("a"), request_.subject)
    assert fits(dead_letters_of("a"), f"dead.{request_.subject}")
    assert matches(DEAD_LETTERS, f"dead.{request_.subject}")
    assert not fits(requests_of("b"), request_.subject)
    assert not fits(dead_letters_of("b"), f"dead.{request_.subject}")


@pytest.mark.parametrize("event", EVENTS)
def test_the_pattern_of_events_fits_those_of_the_job_and_no_others(event: JobCancelled | JobProgressed) -> None:
    assert matches(events_of("a"), event.subject)
    assert not matches(events_of("b"), event.subject)
