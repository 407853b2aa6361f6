"""The patterns fit what the messages of a job say of themselves, and nothing of another's."""

from __future__ import annotations

from shared.model.job_subjects import DEAD_LETTERS, dead_letters_of, events_of, requests_of
from shared.model.jobs import JobCancelled, SegmentRequested, Want
from shared.model.looks import Look
from shared.transport.topology import matches

REQUEST = SegmentRequested(job="a", segment=3, want=Want.FACES, look=Look())


def test_the_patterns_of_a_job_fit_its_messages() -> None:
    assert matches(requests_of("a"), REQUEST.subject)
    assert matches(events_of("a"), JobCancelled(job="a").subject)
    assert matches(dead_letters_of("a"), f"dead.{REQUEST.subject}")
    assert matches(DEAD_LETTERS, f"dead.{REQUEST.subject}")


def test_they_fit_nothing_of_another_job() -> None:
    assert not matches(requests_of("b"), REQUEST.subject)
    assert not matches(events_of("b"), JobCancelled(job="a").subject)
    assert not matches(dead_letters_of("b"), f"dead.{REQUEST.subject}")
