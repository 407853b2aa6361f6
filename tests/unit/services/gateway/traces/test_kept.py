"""One trace in short."""

from __future__ import annotations

from services.gateway.traces import otlp
from services.gateway.traces.kept import KeptTrace
from tests.unit.services.gateway.traces.spans import ROOT, sent, span, still


def kept(*bodies: bytes, most: int = 100) -> KeptTrace:
    trace = KeptTrace(most)
    for body in bodies:
        for resource, service, one in otlp.read(body):
            trace.put(resource, service, one)
    return trace


def test_waited_and_worked_are_summed_by_hop() -> None:
    found = kept(*still()).summary("t")
    assert (found["name"], found["state"], found["duration_ms"]) == ("POST /v1/images", "ok", 40.0)
    assert found["hops"] == [
        {"hop": "ingest", "passes": 1, "waited_ms": 1.0, "worked_ms": 37.0},
        {"hop": "detect", "passes": 1, "waited_ms": 3.0, "worked_ms": 12.0},
        {"hop": "render", "passes": 1, "waited_ms": 1.0, "worked_ms": 14.0},
    ]
    assert (found["jobs"], found["sessions"]) == ([], ["session-1"])


def test_one_span_that_failed_makes_an_error() -> None:
    assert kept(*still(failed="Rejected")).summary("t")["state"] == "error"


def test_it_is_named_after_its_request_whatever_comes_first() -> None:
    assert kept(*reversed(still())).name == "POST /v1/images"
    assert kept(sent("detect", span("detect", b"1" * 8, 1, 2, parent=ROOT))).name == "detect"
    joined = span("POST /v1/jobs", b"2" * 8, 1, 2, parent=b"theirs..", request=True)
    assert kept(sent("detect", span("detect", b"1" * 8, 1, 2, parent=ROOT)), sent("gateway", joined)).name == (
        "POST /v1/jobs"
    )


def test_until_its_request_is_over_it_is_named_after_what_it_works_for() -> None:
    waited = span("decode.wait", b"1" * 8, 1, 2, parent=ROOT, session="live-1")
    assert kept(sent("detect", waited)).shown_name == "session live-1, still under way"
    of_job = span("detect", b"2" * 8, 1, 2, parent=ROOT, job="job-1", session="job-1-0-1-x")
    assert kept(sent("detect", of_job)).summary("t")["name"] == "job job-1, still under way"
    whole = span("WEBSOCKET /v1/streams/live", ROOT, 0, 9, request=True)
    assert kept(sent("detect", waited), sent("gateway", whole)).shown_name == "WEBSOCKET /v1/streams/live"


def test_attempts_at_segments_are_known() -> None:
    wanted = {"job": "job-1", "segment": 3, "tries": 2, "session": "job-1-3-2-x"}
    planning = span("ingest", b"1" * 8, 0, 5, job="job-1", tries=1)
    drawn = span("ingest", b"2" * 8, 10, 30, failed="Unavailable", **wanted)
    found = kept(sent("ingest", planning, drawn))
    [segment] = found.segments.values()
    assert (segment.job, segment.segment, segment.attempt, segment.failed) == ("job-1", 3, 2, True)
    assert found.has_id("job-1-3")
    assert not found.has_id("other")


def test_spans_of_frames_leave_room_for_what_is_around_them() -> None:
    frames = [span("decode", number.to_bytes(8), number, number + 1, frame=number) for number in range(30)]
    around = [span("ingest", (100 + number).to_bytes(8), 0, 99, job="job-1", segment=number) for number in range(5)]
    found = kept(sent("ingest", *frames), sent("ingest", *around), most=20)
    assert (found.count, found.left_out) == (20, 15)
    assert len(found.segments) == 2


def test_it_is_of_the_key_that_came_first_and_of_no_later_one() -> None:
    ann, bob = (span("admitted", who.encode() * 2, 1, 1, owner=who) for who in ("anna", "bob1"))
    render = sent("render", span("render", b"1" * 8, 1, 2))
    assert kept(render).owner == ""
    assert kept(render, sent("gateway", ann), sent("gateway", bob)).owner == "anna"
    assert kept(sent("gateway", bob, ann)).owner == "bob1"


def test_whose_it_is_counts_where_its_span_is_left_out() -> None:
    found = kept(sent("gateway", span("a", b"1" * 8, 1, 2), span("a", b"2" * 8, 1, 2, owner="ann")), most=1)
    assert (found.count, found.owner) == (1, "ann")
