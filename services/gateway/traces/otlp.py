"""Spans as they come over the bus (OTLP protobuf), and as they are given: OTLP JSON, or what a page shows of one."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # ships no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue

PREFIX = "visavis."
"""Of our own attributes' names."""
WAIT = ".wait"
"""What the name of a span ends with that stands for waiting; the rest is the name of the work that follows."""
_IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(frozen=True, slots=True)
class SpanSeen:
    """One span, as it is shown."""

    span_id: str
    parent_id: str
    """Empty: none."""
    name: str
    service: str
    """Without the prefix `visavis-`."""
    start_ns: int
    """Since 1970."""
    end_ns: int
    failed: bool
    word: str
    """Why it failed: a class or a code."""
    is_request: bool
    """Whether somebody outside asked for it."""
    facts: dict[str, str]
    """Attributes, ours without their prefix."""

    @property
    def took_ms(self) -> float:
        """From start to end, milliseconds."""
        return (self.end_ns - self.start_ns) / 1e6

    @property
    def waited_for(self) -> str:
        """The name of the work that it waited for; empty: it is work."""
        return self.name.removesuffix(WAIT) if self.name.endswith(WAIT) else ""

    @property
    def is_of_a_frame(self) -> bool:
        """Whether it stands for frames on their way, and not for what is around them."""
        return bool(self.waited_for) or "frame" in self.facts


def read(body: bytes) -> Iterator[tuple[bytes, str, Span]]:
    """The spans of an ExportTraceServiceRequest, each with its resource (serialised) and its service.

    Raises google.protobuf's DecodeError.
    """
    for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
        named = (one.value.string_value for one in sent.resource.attributes if one.key == "service.name")
        resource, service = sent.resource.SerializeToString(), next(named, "")
        for scoped in sent.scope_spans:
            for span in scoped.spans:
                yield resource, service, span


def seen(service: str, span: Span) -> SpanSeen:
    """What is shown of a span. service: with or without its prefix."""
    return SpanSeen(
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        service=service.removeprefix("visavis-"),
        start_ns=span.start_time_unix_nano,
        end_ns=max(span.start_time_unix_nano, span.end_time_unix_nano),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        word=span.status.message,
        is_request=span.kind == Span.SPAN_KIND_SERVER,
        facts={one.key.removeprefix(PREFIX): _text(one.value) for one in span.attributes},
    )


def span_of(body: bytes) -> Span:
    """A span that was kept."""
    span = Span()
    span.ParseFromString(body)
    return span


def resource_json(body: bytes) -> dict[str, Any]:
    """A resource as OTLP JSON."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().resource.ParseFromString(body)
    found: dict[str, Any] = MessageToDict(request.resource_spans[0].resource)
    return found


def span_json(body: bytes) -> dict[str, Any]:
    """OTLP's JSON differs from protobuf's in the ids, which are hexadecimal, and in enumerations, which are numbers."""
    found: dict[str, Any] = MessageToDict(Span.FromString(body), use_integers_for_enums=True)
    for one in (found, *found.get("links", [])):
        for name in _IDS:
            if name in one:
                one[name] = base64.b64decode(one[name]).hex()
    return found


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    return str(getattr(value, kind)) if kind in {"string_value", "int_value", "double_value"} else ""
