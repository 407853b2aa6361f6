"""The last traces, for those who have no collector: taken from the bus as OTLP, searched, given as OTLP JSON."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no stubs

from services.gateway.problems import Refusal
from services.gateway.traces import otlp
from services.gateway.traces.asked import TraceQuery
from services.gateway.traces.kept import KeptTrace
from shared.runtime.logs import log
from shared.runtime.telemetry import SPANS_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from services.gateway.traces.kept import SegmentSeen
    from shared.transport.bus import Bus

    Seen = Callable[[str], bool]

SLOW_NS = 3600 * 10**9
"""For so long the slowest trace of each name keeps its place when newer ones come."""
_ALL = TraceQuery(limit=10_000)


def _everything(_: str) -> bool:
    return True


class TraceShelf:
    """Keeps the newest traces and the slowest of each name, bounded by their number and by that of all spans."""

    def __init__(self, most_traces: int, most_spans: int) -> None:
        self._most_traces = most_traces
        self._most_spans = most_spans
        self._traces: OrderedDict[str, KeptTrace] = OrderedDict()
        self._slowest: dict[str, str] = {}
        """By name the id; names are at most a tenth as many as traces."""
        self._newest_ns = 0
        self._count = 0

    async def follow(self, bus: Bus) -> None:
        """Take what the services send, until cancelled."""
        async with bus.listen(SPANS_SUBJECT) as received:
            async for one in received:
                self.take(one.body)

    def take(self, body: bytes) -> None:
        """Take an ExportTraceServiceRequest."""
        try:
            for resource, service, span in otlp.read(body):
                self._put(resource, service, span)
        except DecodeError:
            log.warning("spans that cannot be read", size_bytes=len(body))
            return
        self._trim()

    def found(self, query: TraceQuery = _ALL, seen: Seen = _everything) -> list[tuple[str, KeptTrace]]:
        """The traces that are looked for, with their ids. seen: says of a trace's owner whether it may be seen."""
        found = [(name, one) for name, one in self._traces.items() if seen(one.owner) and query.fits(name, one)]
        slowest = query.sort == "slowest"
        found.sort(key=lambda item: -(item[1].duration_ns if slowest else item[1].start_ns))
        return found[: query.limit]

    def segments(self, query: TraceQuery, seen: Seen = _everything) -> list[tuple[str, SegmentSeen]]:
        """The attempts at segments that are looked for, with their traces' ids. seen: as for `found`."""
        found = [
            (name, segment)
            for name, one in self._traces.items() if seen(one.owner)
            for segment in one.segments.values() if query.fits_segment(name, one, segment)
        ]  # fmt: skip
        slowest = query.sort == "slowest"
        found.sort(key=lambda item: -(item[1].end_ns - item[1].start_ns if slowest else item[1].start_ns))
        return found[: query.limit]

    def summaries(self, seen: Seen = _everything, query: TraceQuery = _ALL) -> list[dict[str, Any]]:
        """As `found`, each in short."""
        return [trace.summary(trace_id) for trace_id, trace in self.found(query, seen)]

    def trace(self, trace_id: str, seen: Seen = _everything) -> KeptTrace:
        """One trace as it is now. seen: as for `found`. Raises Refusal `not-found`.

        What is made of one with many spans takes seconds: that is for a thread.
        """
        trace = self._traces.get(trace_id.lower())
        if trace is None or not seen(trace.owner):
            raise Refusal("not-found", "There is no trace of that id, or no more; spans come about a second late.")
        return trace.copy()

    def _put(self, resource: bytes, service: str, span: Span) -> None:
        trace_id = span.trace_id.hex()
        trace = self._traces.get(trace_id)
        if trace is None:  # one trace never takes the place of all others
            trace = self._traces[trace_id] = KeptTrace(self._most_spans // 2)
        self._traces.move_to_end(trace_id)
        self._count += trace.put(resource, service, span)
        self._newest_ns = max(self._newest_ns, trace.end_ns)
        self._note_slow(trace_id, trace)

    def _note_slow(self, trace_id: str, trace: KeptTrace) -> None:
        if not trace.is_named or (trace.name not in self._slowest and not self._has_place()):
            return
        before = self._traces.get(self._slowest.get(trace.name, ""))
        if before is None or self._is_past(before) or trace.duration_ns > before.duration_ns:
            self._slowest[trace.name] = trace_id

    def _has_place(self) -> bool:
        """Whether one name more may be kept. Those give up theirs whose trace is gone or past."""
        most = self._most_traces // 10
        if len(self._slowest) >= most:
            held = {name: (one, self._traces.get(one)) for name, one in self._slowest.items()}
            kept = {name: one for name, (one, trace) in held.items() if trace is not None and not self._is_past(trace)}
            self._slowest = kept
        return len(self._slowest) < most

    def _is_past(self, trace: KeptTrace) -> bool:
        return self._newest_ns - trace.end_ns > SLOW_NS

    def _trim(self) -> None:
        while len(self._traces) > self._most_traces or self._count > self._most_spans:
            crowded = len(self._traces) > self._most_traces
            self._count -= self._traces.pop(self._dispensable(spare=crowded)).count

    def _dispensable(self, *, spare: bool) -> str:
        """Who polls a job makes many traces of one service: they take half of the places and no more.

        spare: whether the slowest of each name keep their places, as they do unless spans are too many.
        """
        slow = set(self._slowest.values()) if spare else set()
        passing = [one for one, trace in self._traces.items() if one not in slow or self._is_past(trace)]
        lone = [one for one in passing if len(self._traces[one].services) == 1]
        if len(lone) > self._most_traces // 2:
            return lone[0]
        return passing[0] if passing else next(iter(self._traces))
