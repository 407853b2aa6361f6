"""Spans as services send them."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

TRACE = bytes(range(16))
MS = 10**6
BEGAN_NS = 1_767_225_600 * 10**9
ROOT = b"root-id."


def span(
    name: str,
    span_id: bytes,
    start_ms: float,
    end_ms: float,
    *,
    parent: bytes = b"",
    trace: bytes = TRACE,
    **facts: Any,
) -> Span:
    """One span, so many milliseconds after the beginning. failed: the word of its failure; request: a client's."""
    made = Span(trace_id=trace, span_id=span_id, parent_span_id=parent, name=name)
    made.start_time_unix_nano = BEGAN_NS + round(start_ms * MS)
    made.end_time_unix_nano = BEGAN_NS + round(end_ms * MS)
    if failed := facts.pop("failed", ""):
        made.status.code, made.status.message = Status.STATUS_CODE_ERROR, failed
    if facts.pop("request", False):
        made.kind = Span.SPAN_KIND_SERVER
    for key, value in facts.items():
        found = made.attributes.add(key=f"visavis.{key}").value
        if isinstance(value, int):
            found.int_value = value
        else:
            found.string_value = value
    return made


def sent(service: str, *spans: Span) -> bytes:
    """What a process of that service sends."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = f"visavis-{service}"
    resource.scope_spans.add().spans.extend(spans)
    body: bytes = request.SerializeToString()
    return body


def still(trace: bytes = TRACE, *, owner: str = "", failed: str = "", took_ms: float = 40) -> list[bytes]:
    """A picture through all services."""
    facts = {"owner": owner} if owner else {}
    about = {"session": "session-1", "frames": 1, "frame": 0}
    return [
        sent("gateway", span("POST /v1/images", ROOT, 0, took_ms, trace=trace, request=True, **facts)),
        sent(
            "ingest",
            span("ingest.wait", b"ingest-w", 1, 2, trace=trace, parent=ROOT),
            span("ingest", b"ingest--", 2, 39, trace=trace, parent=ROOT, session="session-1"),
        ),
        sent(
            "detect",
            span("detect.wait", b"detect-w", 5, 8, trace=trace, parent=b"ingest--"),
            span("detect", b"detect--", 8, 20, trace=trace, parent=b"ingest--", detector="blazeface", **about),
        ),
        sent(
            "render",
            span("render.wait", b"render-w", 20, 21, trace=trace, parent=b"detect--"),
            span("render", b"render--", 21, 35, trace=trace, parent=b"detect--", failed=failed, **about),
        ),
    ]
