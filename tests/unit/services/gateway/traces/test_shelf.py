"""The last traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.gateway.problems import Refusal
from services.gateway.settings import GatewaySettings
from services.gateway.traces.asked import TraceQuery
from services.gateway.traces.shelf import SLOW_NS, TraceShelf
from services.ingest.pump import FOLLOWED_FRAMES, MOST_SPANS_A_FRAME
from tests.unit.services.gateway.traces import spans

if TYPE_CHECKING:
    import httpx

    from services.gateway.parts import Parts

TRACE = bytes(range(16))


def sent(service: str, *spans: tuple[bytes, int], trace: bytes = TRACE, parent: bytes = b"") -> bytes:
    """Spans (id, start in seconds) of one second each."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    scope = resource.scope_spans.add()
    for span_id, start in spans:
        span = scope.spans.add(trace_id=trace, span_id=span_id, parent_span_id=parent, name=service, kind=2)
        span.start_time_unix_nano, span.end_time_unix_nano = start * 10**9, (start + 1) * 10**9
    body: bytes = request.SerializeToString()
    return body


def test_a_trace_is_put_together_from_its_services() -> None:
    shelf = TraceShelf(10, 1000)
    shelf.take(sent("detect", (b"2" * 8, 6), parent=b"1" * 8))
    shelf.take(sent("gateway", (b"1" * 8, 5)))
    [summary] = shelf.summaries()
    assert (summary["trace_id"], summary["name"], summary["spans"]) == (TRACE.hex(), "gateway", 2)
    assert (summary["start_unix_seconds"], summary["duration_ms"]) == (5.0, 2000.0)
    assert summary["services"] == ["detect", "gateway"]


def test_ids_are_hexadecimal_and_times_are_strings() -> None:
    shelf = TraceShelf(10, 1000)
    shelf.take(sent("detect", (b"\x02" * 8, 6), parent=b"\x01" * 8))
    [resource] = shelf.trace(TRACE.hex()).otlp_json()["resourceSpans"]
    [span] = resource["scopeSpans"][0]["spans"]
    assert (span["traceId"], span["spanId"], span["parentSpanId"]) == (TRACE.hex(), "02" * 8, "01" * 8)
    assert (span["startTimeUnixNano"], span["kind"]) == ("6000000000", 2)
    assert resource["resource"]["attributes"][0]["value"] == {"stringValue": "detect"}


def test_the_traces_that_were_quiet_longest_go_first() -> None:
    shelf = TraceShelf(2, 1000)
    traces = [bytes([number]) * 16 for number in range(3)]
    for number in (0, 1, 0, 2):
        for service in ("gateway", "detect"):
            shelf.take(sent(service, (b"1" * 8, number), trace=traces[number]))
    assert {one["trace_id"] for one in shelf.summaries()} == {traces[0].hex(), traces[2].hex()}


def test_many_small_traces_do_not_push_out_a_whole_one() -> None:
    shelf = TraceShelf(4, 1000)
    shelf.take(sent("gateway", (b"1" * 8, 1)))
    shelf.take(sent("render", (b"2" * 8, 1)))
    for number in range(20):
        shelf.take(sent("gateway", (b"1" * 8, 2), trace=bytes([100 + number]) * 16))
    assert TRACE.hex() in {one["trace_id"] for one in shelf.summaries()}
    assert len(shelf.summaries()) == 4


def test_spans_are_bounded_and_what_is_left_out_is_said() -> None:
    shelf = TraceShelf(10, 100)
    for number in range(80):
        shelf.take(sent("gateway", (number.to_bytes(8), 1)))
    [summary] = shelf.summaries()
    assert (summary["spans"], summary["spans_left_out"]) == (50, 30)


def test_what_is_no_trace_is_dropped() -> None:
    shelf = TraceShelf(10, 100)
    shelf.take(b"\xff\xff\xff")
    assert shelf.summaries() == []
    with pytest.raises(Refusal):
        shelf.trace(TRACE.hex())


async def test_traces_are_given_over_rest(client: httpx.AsyncClient, parts: Parts) -> None:
    parts.traces.take(sent("gateway", (b"1" * 8, 5)))
    assert [one["trace_id"] for one in (await client.get("/v1/traces")).json()["traces"]] == [TRACE.hex()]
    assert (await client.get(f"/v1/traces/{TRACE.hex()}")).json()["resourceSpans"]
    assert (await client.get(f"/v1/traces/{'0' * 32}")).status_code == 404


def test_a_trace_is_there_for_its_owner() -> None:
    shelf = TraceShelf(10, 1000)
    for body in spans.still(owner="ann"):
        shelf.take(body)
    shelf.take(spans.sent("gateway", spans.span("GET /v1/looks", b"b" * 8, 1, 2, request=True, owner="bob")))
    assert shelf.summaries(lambda owner: owner == "bob") == []
    with pytest.raises(Refusal):
        shelf.trace(TRACE.hex(), lambda owner: owner == "bob")
    assert shelf.trace(TRACE.hex(), lambda owner: owner == "ann").owner == "ann"


def ids(shelf: TraceShelf, **asked: str) -> list[str]:
    return [trace_id for trace_id, _ in shelf.found(TraceQuery.model_validate(asked))]


def put(shelf: TraceShelf, number: int, *, took_ms: float, failed: str = "") -> str:
    """A picture's trace; its id."""
    trace = bytes([number]) * 16
    for body in spans.still(trace, took_ms=took_ms, failed=failed):
        shelf.take(body)
    return trace.hex()


def test_traces_are_found_by_what_is_asked_in_the_order_that_is_asked() -> None:
    shelf = TraceShelf(10, 1000)
    one, two = put(shelf, 1, took_ms=900), put(shelf, 2, took_ms=50, failed="Lost")
    shelf.take(spans.sent("gateway", spans.span("GET /v1/looks", b"1" * 8, 5, 6, trace=b"3" * 16, request=True)))
    assert ids(shelf)[0] == (b"3" * 16).hex()
    assert ids(shelf, sort="slowest") == [one, two, (b"3" * 16).hex()]
    assert ids(shelf, state="error") == [two]
    assert ids(shelf, hop="detect", limit="1", sort="slowest") == [one]
    assert ids(shelf, id=one[:8]) == [one]


def test_the_slowest_of_a_name_keeps_its_place_for_an_hour() -> None:
    shelf = TraceShelf(10, 10_000)
    slow = put(shelf, 1, took_ms=9000)
    for number in range(2, 30):
        put(shelf, number, took_ms=50)
    assert ids(shelf, sort="slowest")[0] == slow
    assert len(ids(shelf)) == 10
    later = (SLOW_NS + 10**10) / spans.MS
    for number in range(30, 50):
        one = spans.span("POST /v1/images", b"1" * 8, later, later + 50, trace=bytes([number]) * 16, request=True)
        two = spans.span("detect", b"2" * 8, later, later + 50, trace=bytes([number]) * 16)
        shelf.take(spans.sent("gateway", one))
        shelf.take(spans.sent("detect", two))
    assert slow not in ids(shelf)


def test_names_whose_trace_is_gone_or_past_make_room_for_others() -> None:
    shelf = TraceShelf(20, 10_000)

    def took(name: str, number: int, took_ms: float, hours: float = 0) -> str:
        began = hours * SLOW_NS / spans.MS
        trace = number.to_bytes(16)
        one = spans.span(name, b"1" * 8, began, began + took_ms, trace=trace, request=True)
        shelf.take(spans.sent("gateway", one))
        two = spans.span("detect", b"2" * 8, began, began + 1, trace=trace, parent=b"1" * 8)
        shelf.take(spans.sent("detect", two))
        return trace.hex()

    first, second = took("one", 1, 9000), took("two", 2, 9000)
    third = took("three", 3, 9000)
    for number in range(100, 130):
        took("one", number, 5)
    assert {first, second} <= set(ids(shelf)), "a tenth of the places is for the slowest"
    assert third not in ids(shelf)
    for number in range(200, 230):  # those are past now
        took("four", number, 5, hours=2)
    assert not {first, second} & set(ids(shelf))
    fifth = took("five", 5, 9000, hours=2)
    for number in range(300, 330):
        took("four", number, 5, hours=2)
    assert fifth in ids(shelf)


def test_a_slow_trace_with_many_spans_makes_way_for_new_ones() -> None:
    shelf = TraceShelf(10, 100)
    many = [spans.span("detect", n.to_bytes(8), 0, 90_000, frame=n) for n in range(40)]
    shelf.take(spans.sent("gateway", spans.span("POST /v1/jobs", b"r" * 8, 0, 5, request=True)))
    shelf.take(spans.sent("detect", *many))
    newer = [put(shelf, number, took_ms=50) for number in range(100, 120)]
    assert spans.TRACE.hex() not in ids(shelf)
    assert newer[-1] in ids(shelf)


def test_segments_are_found_with_their_traces() -> None:
    shelf = TraceShelf(10, 1000)
    for number, took in ((0, 10), (1, 30), (2, 20)):
        facts = {"job": "job-1", "segment": number, "session": f"job-1-{number}-1-x", "tries": 1}
        shelf.take(spans.sent("ingest", spans.span("ingest", bytes([number + 1]) * 8, number, number + took, **facts)))
    found = [[one.segment for _, one in shelf.segments(TraceQuery(sort=sort))] for sort in ("latest", "slowest")]
    assert found == [[2, 1, 0], [1, 2, 0]]
    assert shelf.segments(TraceQuery(id="job-1-2"))[0][0] == spans.TRACE.hex()
    assert shelf.segments(TraceQuery(), bool) == []


async def test_traces_are_searched_over_rest(client: httpx.AsyncClient, parts: Parts) -> None:
    one, two = put(parts.traces, 1, took_ms=900), put(parts.traces, 2, took_ms=50, failed="Lost")
    for asked, expected in (
        ("", {one, two}),
        ("?state=error&hop=render", {two}),
        (f"?id={one[:5]}&name=IMAGES", {one}),
    ):
        found = (await client.get(f"/v1/traces{asked}")).json()["traces"]
        assert {trace["trace_id"] for trace in found} == expected
    slowest = (await client.get("/v1/traces?sort=slowest&limit=1")).json()["traces"]
    assert [(trace["trace_id"], trace["state"], trace["hops"][0]["hop"]) for trace in slowest] == [
        (one, "ok", "ingest")
    ]
    refused = await client.get("/v1/traces?state=broken")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-parameter")


def test_a_session_whose_every_frame_is_traced_has_room() -> None:
    shelf = TraceShelf(10, GatewaySettings.model_fields["trace_spans"].default)
    for number in range(FOLLOWED_FRAMES):
        of_one = (spans.span("ingest", bytes([n]) * 8, 1, 2, frame=number) for n in range(MOST_SPANS_A_FRAME))
        shelf.take(spans.sent("ingest", *of_one))
    [summary] = shelf.summaries()
    assert (summary["spans"], summary["spans_left_out"]) == (FOLLOWED_FRAMES * MOST_SPANS_A_FRAME, 0)
