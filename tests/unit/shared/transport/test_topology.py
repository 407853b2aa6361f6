from __future__ import annotations

import pytest

from shared.model.errors import Misconfigured
from shared.model.jobs import JobCancelled
from shared.transport.topology import (
    CALLBACKS,
    CONTEXT,
    DEAD,
    EVENTS,
    FRAMES,
    JOBS,
    STREAMS,
    Stream,
    callback_queue,
    detect_queue,
    ends_queue,
    keeper,
    matches,
    plan_queue,
    render_queue,
    segment_queue,
)

QUEUES = [plan_queue(), segment_queue(), detect_queue("a"), render_queue("a", "2"), callback_queue()]


@pytest.mark.parametrize(
    ("subject", "stream"),
    [
        ("jobs.segment.x.0", JOBS),
        ("jobs.event.x.job", EVENTS),
        ("jobs.plan.x", JOBS),
        ("jobs.callback", CALLBACKS),
        ("lane.a.detect", FRAMES),
        ("lane.a.render.2", FRAMES),
        ("$KV.context.a", CONTEXT),
        ("dead.lane.a.detect", DEAD),
    ],
)
def test_a_subject_has_its_keeper(subject: str, stream: Stream) -> None:
    assert keeper(subject) is stream


@pytest.mark.parametrize("subject", ["sessions.open", "live.a.in", "lane.a.begin", "dead", "jobs.event.a"])
def test_what_is_only_sent_has_no_keeper(subject: str) -> None:
    with pytest.raises(Misconfigured):
        keeper(subject)


@pytest.mark.parametrize(
    ("pattern", "subject", "fits"),
    [("a.b", "a.b", True), ("a.*", "a.b", True), ("a.*", "a", False), ("a.*", "a.b.c", False), ("*.b", "a.b", True),
     ("a.>", "a.b.c", True), ("a.>", "a", False), (">", "a", True), ("b.>", "a.b", False)],
)  # fmt: skip
def test_patterns_fit_as_nats_has_it(pattern: str, subject: str, fits: bool) -> None:
    assert matches(pattern, subject) is fits


def test_no_subject_is_kept_twice() -> None:
    examples = [pattern.replace("*", "x").replace(">", "x") for stream in STREAMS for pattern in stream.subjects]
    for example in examples:
        assert sum(matches(pattern, example) for stream in STREAMS for pattern in stream.subjects) == 1


def test_a_queue_takes_from_the_stream_that_keeps_its_subject() -> None:
    for queue in QUEUES:
        assert keeper(queue.subject).name == queue.stream
        assert keeper(queue.subject).is_queue


def test_who_hears_of_ends_takes_nothing_from_those_who_watch() -> None:
    assert keeper(JobCancelled(job="x").subject) is EVENTS
    assert matches(ends_queue().subject, JobCancelled(job="x").subject)
    assert ends_queue().stream == EVENTS.name
    assert not EVENTS.is_queue


def test_queues_of_lanes_and_workers_have_names_of_their_own() -> None:
    queues = [detect_queue("a"), detect_queue("b"), render_queue("a", "1"), render_queue("a", "2"), segment_queue()]
    assert len({queue.name for queue in queues}) == len(queues)


def test_every_queue_and_stream_is_bounded() -> None:
    assert all(stream.max_bytes > 0 for stream in STREAMS)
    assert all(queue.max_ack_pending > 0 and (queue.give_up_at or queue.max_deliver) > 1 for queue in QUEUES)
