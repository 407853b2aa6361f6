"""The last traces, for those who have no collector: taken from the bus as OTLP, given as OTLP JSON."""

from __future__ import annotations

import base64
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # ships no stubs
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from services.gateway.problems import Refusal
from shared.runtime.telemetry import OWNER_ATTRIBUTE, SPANS_SUBJECT, log

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

    from shared.transport.bus import Bus

    Seen = Callable[[Set[str]], bool]

SCOPE = "visavis"
_IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(slots=True)
class _Trace:
    """Spans as they came, by the process that sent them (its resource, serialised)."""

    spans: dict[bytes, list[bytes]] = field(default_factory=dict)
    count: int = 0
    left_out: int = 0
    name: str = ""
    """Of the span without a parent."""
    start_ns: int = 0
    end_ns: int = 0
    services: set[str] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)
    """Prefixes of the keys whose requests these are; empty: nobody was asked for one."""


def _everything(_: Set[str]) -> bool:
    return True


class TraceShelf:
    """Keeps the newest traces, bounded by their number and by the number of all spans."""

    def __init__(self, most_traces: int, most_spans: int) -> None:
        self._most_traces = most_traces
        self._most_spans = most_spans
        self._traces: OrderedDict[str, _Trace] = OrderedDict()
        self._count = 0

    async def follow(self, bus: Bus) -> None:
        """Take what the services send, until cancelled."""
        async with bus.listen(SPANS_SUBJECT) as received:
            async for one in received:
                self.take(one.body)

    def take(self, body: bytes) -> None:
        """Take an ExportTraceServiceRequest."""
        try:
            request = ExportTraceServiceRequest.FromString(body)
        except DecodeError:
            log.warning("spans that cannot be read", size_bytes=len(body))
            return
        for sent in request.resource_spans:
            resource, service = sent.resource.SerializeToString(), _service(sent.resource)
            for scoped in sent.scope_spans:
                for span in scoped.spans:
                    self._put(resource, service, span)
        self._trim()

    def summaries(self, seen: Seen = _everything) -> list[dict[str, Any]]:
        """Every trace in short, newest first. seen: says of a trace's owners whether it may be seen."""
        return [
            {
                "trace_id": trace_id,
                "name": trace.name,
                "start_unix_seconds": round(trace.start_ns / 1e9, 6),
                "duration_ms": round((trace.end_ns - trace.start_ns) / 1e6, 3),
                "spans": trace.count,
                "spans_left_out": trace.left_out,
                "services": sorted(trace.services),
            }
            for trace_id, trace in sorted(self._traces.items(), key=lambda item: -item[1].start_ns)
            if seen(trace.owners)
        ]

    def otlp_json(self, trace_id: str, seen: Seen = _everything) -> dict[str, Any]:
        """A trace as OTLP JSON (TracesData). seen: as for `summaries`. Raises Refusal `not-found`."""
        trace = self._traces.get(trace_id.lower())
        if trace is None or not seen(trace.owners):
            raise Refusal("not-found", "There is no trace of that id, or no more; spans come about a second late.")
        resources = {resource: _resource(resource) for resource in trace.spans}
        return {
            "resourceSpans": [
                {
                    "resource": resources[resource],
                    "scopeSpans": [{"scope": {"name": SCOPE}, "spans": [_span(one) for one in spans]}],
                }
                for resource, spans in trace.spans.items()
            ]
        }

    def _put(self, resource: bytes, service: str, span: Span) -> None:
        trace_id = span.trace_id.hex()
        trace = self._traces.setdefault(trace_id, _Trace())
        self._traces.move_to_end(trace_id)
        if trace.count >= self._most_spans // 2:  # one trace never takes the place of all others
            trace.left_out += 1
            return
        trace.spans.setdefault(resource, []).append(span.SerializeToString())
        trace.count += 1
        self._count += 1
        trace.services.add(service)
        trace.owners.update(one.value.string_value for one in span.attributes if one.key == OWNER_ATTRIBUTE)
        trace.start_ns = min(trace.start_ns or span.start_time_unix_nano, span.start_time_unix_nano)
        trace.end_ns = max(trace.end_ns, span.end_time_unix_nano)
        if not span.parent_span_id or not trace.name:
            trace.name = span.name

    def _trim(self) -> None:
        while len(self._traces) > self._most_traces or self._count > self._most_spans:
            self._count -= self._traces.pop(self._dispensable()).count

    def _dispensable(self) -> str:
        """Who polls a job makes many traces of one service: they take half of the places and no more."""
        lone = [trace_id for trace_id, trace in self._traces.items() if len(trace.services) == 1]
        return lone[0] if len(lone) > self._most_traces // 2 else next(iter(self._traces))


def _service(resource: Resource) -> str:
    return next((one.value.string_value for one in resource.attributes if one.key == "service.name"), "")


def _resource(body: bytes) -> dict[str, Any]:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().resource.ParseFromString(body)
    found: dict[str, Any] = MessageToDict(request.resource_spans[0].resource)
    return found


def _span(body: bytes) -> dict[str, Any]:
    """OTLP's JSON differs from protobuf's in the ids, which are hexadecimal, and in enumerations, which are numbers."""
    found: dict[str, Any] = MessageToDict(Span.FromString(body), use_integers_for_enums=True)
    for one in (found, *found.get("links", [])):
        for name in _IDS:
            if name in one:
                one[name] = base64.b64decode(one[name]).hex()
    return found
