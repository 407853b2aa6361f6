"""The last traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.gateway.problems import Refusal
from services.gateway.traces.shelf import TraceShelf
from shared.runtime.telemetry import OWNER_ATTRIBUTE

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
    [resource] = shelf.otlp_json(TRACE.hex())["resourceSpans"]
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
        shelf.otlp_json(TRACE.hex())


async def test_traces_are_given_over_rest(client: httpx.AsyncClient, parts: Parts) -> None:
    parts.traces.take(sent("gateway", (b"1" * 8, 5)))
    assert [one["trace_id"] for one in (await client.get("/v1/traces")).json()["traces"]] == [TRACE.hex()]
    assert (await client.get(f"/v1/traces/{TRACE.hex()}")).json()["resourceSpans"]
    assert (await client.get(f"/v1/traces/{'0' * 32}")).status_code == 404


def test_a_trace_has_the_owners_of_all_its_requests() -> None:
    shelf, seen = TraceShelf(10, 1000), []
    request = ExportTraceServiceRequest.FromString(sent("gateway", (b"1" * 8, 5), (b"2" * 8, 6)))
    for span, owner in zip(request.resource_spans[0].scope_spans[0].spans, ("ann", "bob"), strict=True):
        span.attributes.add(key=OWNER_ATTRIBUTE).value.string_value = owner
    shelf.take(request.SerializeToString())
    assert shelf.summaries(lambda owners: bool(seen.append(set(owners)))) == []
    assert seen == [{"ann", "bob"}]
    with pytest.raises(Refusal):
        shelf.otlp_json(TRACE.hex(), lambda owners: owners == {"ann"})
    assert shelf.otlp_json(TRACE.hex(), lambda owners: "ann" in owners)
