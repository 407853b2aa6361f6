"""One trace while its spans come in: bounded, and in short what can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services.gateway.traces.otlp import resource_json, seen, span_json
from shared.runtime.telemetry import OWNER_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from services.gateway.traces.otlp import SpanSeen

SCOPE = "visavis"
MOST_NAMED = 20
"""Jobs and sessions that a summary names; all can be searched for."""
FOR_FRAMES = 0.9
"""Of a trace's room so much is for spans of frames: what is around them comes last, and must have a place."""
OF_HOPS = ("ingest", "detect", "render")
"""Services whose spans of their own name are passes of a message."""


@dataclass(frozen=True, slots=True)
class SegmentSeen:
    """One attempt at a segment of a job."""

    span_id: str
    job: str
    segment: int
    attempt: int
    session: str
    start_ns: int
    end_ns: int
    failed: bool


@dataclass(slots=True)
class HopSum:
    """What one service's passes have taken together."""

    spans: int = 0
    waited_ns: int = 0
    worked_ns: int = 0


@dataclass(slots=True)
class KeptTrace:
    """Spans as they came, by the process that sent them (its resource, serialised)."""

    most: int
    """Spans that are kept."""
    spans: dict[tuple[bytes, str], list[bytes]] = field(default_factory=dict)
    """By resource and service."""
    count: int = 0
    left_out: int = 0
    name: str = ""
    """Of the request that it began with."""
    is_named: bool = False
    """Whether that has come; until then it has the name of any span."""
    start_ns: int = 0
    end_ns: int = 0
    failed: bool = False
    """Whether any span has."""
    services: set[str] = field(default_factory=set)
    owner: str = ""
    """The prefix of the key whose request was the first in it; empty: none was asked for, or it has not come. Who sends
    the id of another's trace changes nothing in that."""
    jobs: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    hops: dict[str, HopSum] = field(default_factory=dict)
    segments: dict[str, SegmentSeen] = field(default_factory=dict)
    """By the span's id."""

    @property
    def duration_ns(self) -> int:
        """From the first start to the last end."""
        return self.end_ns - self.start_ns

    @property
    def shown_name(self) -> str:
        """Of its request; until that is over, of what it works for: its spans come as each of them ends."""
        if self.is_named or not (self.jobs or self.sessions):
            return self.name
        what = f"job {min(self.jobs)}" if self.jobs else f"session {min(self.sessions)}"
        return f"{what}, still under way"

    def put(self, resource: bytes, service: str, span: Span) -> bool:
        """Take a span in; False: it was left out, for there is no room."""
        owners = (one.value.string_value for one in span.attributes if one.key == OWNER_ATTRIBUTE)
        self.owner = self.owner or next(owners, "")
        found = seen(service, span)
        if self.count >= self.most * (FOR_FRAMES if found.is_of_a_frame else 1):
            self.left_out += 1
            return False
        self.spans.setdefault((resource, service), []).append(span.SerializeToString())
        self.count += 1
        self.services.add(service)
        self.start_ns = min(self.start_ns or found.start_ns, found.start_ns)
        self.end_ns = max(self.end_ns, found.end_ns)
        self.failed = self.failed or found.failed
        if not found.parent_id or not self.name or (found.is_request and not self.is_named):
            self.name = found.name
            self.is_named = self.is_named or not found.parent_id or found.is_request
        self._note(found)
        return True

    def copy(self) -> KeptTrace:
        """As it is now, for a thread to read while more comes in."""
        spans = {key: list(bodies) for key, bodies in self.spans.items()}
        return replace(self, spans=spans, jobs=set(self.jobs), sessions=set(self.sessions))

    def otlp_json(self) -> dict[str, Any]:
        """As OTLP JSON (TracesData)."""
        return {
            "resourceSpans": [
                {
                    "resource": resource_json(resource),
                    "scopeSpans": [{"scope": {"name": SCOPE}, "spans": [span_json(one) for one in spans]}],
                }
                for (resource, _), spans in self.spans.items()
            ]
        }

    def all_spans(self) -> Iterator[tuple[str, bytes]]:
        """Every span with its service."""
        for (_, service), spans in self.spans.items():
            for body in spans:
                yield service, body

    def has_id(self, text: str) -> bool:
        """Whether a job or session of it begins so."""
        return any(one.startswith(text) for one in (*self.jobs, *self.sessions))

    def summary(self, trace_id: str) -> dict[str, Any]:
        """In short, as TraceSummary."""
        return {
            "trace_id": trace_id,
            "name": self.shown_name,
            "start_unix_seconds": round(self.start_ns / 1e9, 6),
            "duration_ms": round(self.duration_ns / 1e6, 3),
            "state": "error" if self.failed else "ok",
            "spans": self.count,
            "spans_left_out": self.left_out,
            "services": sorted(self.services),
            "hops": [
                {
                    "hop": name,
                    "passes": self.hops[name].spans,
                    "waited_ms": round(self.hops[name].waited_ns / 1e6, 3),
                    "worked_ms": round(self.hops[name].worked_ns / 1e6, 3),
                }
                for name in OF_HOPS
                if name in self.hops
            ],
            "jobs": sorted(self.jobs)[:MOST_NAMED],
            "sessions": sorted(self.sessions)[:MOST_NAMED],
        }

    def _note(self, span: SpanSeen) -> None:
        job, session = span.facts.get("job", ""), span.facts.get("session", "")
        self.jobs |= {job} - {""}
        self.sessions |= {session} - {""}
        took_ns, service = span.end_ns - span.start_ns, span.service
        if service in OF_HOPS and service in {span.name, span.waited_for}:
            hop = self.hops.setdefault(service, HopSum())
            if span.waited_for:
                hop.waited_ns += took_ns
            else:
                hop.spans, hop.worked_ns = hop.spans + 1, hop.worked_ns + took_ns
        segment = span.facts.get("segment", "")
        if span.name == "ingest" and job and segment.isdecimal():
            tries = span.facts.get("tries", "")
            self.segments[span.span_id] = SegmentSeen(
                span.span_id, job, int(segment), int(tries) if tries.isdecimal() else 1, session,
                span.start_ns, span.end_ns, span.failed,
            )  # fmt: skip
