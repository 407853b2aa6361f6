"""Traces and metrics: the door to OpenTelemetry.

Without a collector (OTEL_EXPORTER_OTLP_ENDPOINT) spans go to the gateway over the bus, as OTLP.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.model.errors import Late
from shared.runtime.instruments import FETCHED, HOP_WAITED, HOP_WORKED, MESSAGES
from shared.runtime.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from shared.model.hops import Hop
    from shared.runtime.settings import ServiceSettings

SPANS_SUBJECT = "telemetry.spans"
"""Where spans go as OTLP protobuf (ExportTraceServiceRequest) while no collector is named."""
SENT_HEADER = "visavis-sent-ns"
"""When a message was published, nanoseconds since 1970: what `waited` is measured from."""
OWNER_ATTRIBUTE = "visavis.owner"
"""Of a request's span: the prefix of the key that it came with."""
EXPORT_EVERY_MS = 500

_W3C = _TRACEPARENT, _ = "traceparent", "tracestate"
_DEPTH, _EVERY_FRAME = "visavis", "frames"
"""Of a trace whose frames all have spans, the member of its W3C trace state, which goes on with it from hop to hop."""
_MOST_MEMBERS = 32
"""W3C Trace Context, 3.3.1.1: so many members a trace state has at most."""
_w3c = TraceContextTextMapPropagator()
"""Directly: the default one also looks for baggage, which nobody here sends, in every message."""
_KINDS = {kind.name.lower(): kind for kind in trace.SpanKind}


@dataclass(slots=True)
class HopNotes:
    """What the spans of a hop are to say. Read when the hop is over."""

    begun_ns: int = 0
    """When the work began, nanoseconds since 1970: until then the message waited. 0: when it was received."""
    facts: dict[str, str | int] = field(default_factory=dict)
    """Attributes; plain values that tell nothing of a person."""
    are_read: bool = False
    """Whether there will be spans."""
    failed: str = ""
    """Of work that failed, and raises nothing because whoever waits was told: a problem's code."""


class Telemetry:
    """What one process says of itself."""

    def __init__(
        self,
        service: str,
        settings: ServiceSettings,
        send: Callable[[bytes], None],
        metrics: Metrics | None = None,
    ) -> None:
        """send: takes spans to the gateway, as OTLP. metrics: what is measured already; None: nothing yet."""
        self.service = service
        self.metrics = metrics or Metrics(service, settings)
        self._waited = self.metrics.tally(HOP_WAITED)
        self._worked = self.metrics.tally(HOP_WORKED)
        self._outcomes = self.metrics.counter(MESSAGES)
        self._ids = _ForeseenIds()
        self._provider = TracerProvider(resource=self.metrics.resource, id_generator=self._ids, shutdown_on_exit=False)
        exporter: SpanExporter = OTLPSpanExporter() if settings.otlp_endpoint else _ToGateway(send)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS))
        self._tracer = self._provider.get_tracer("visavis")

    @contextmanager
    def span(
        self, name: str, headers: Mapping[str, str] | None = None, kind: str = "internal", **attributes: Any
    ) -> Iterator[trace.Span]:
        """A span around a block, child of what `headers` carry or else of the current one. Attributes: plain values.

        Of an exception it tells the class, and never the words, which may be a client's. Late is no failure.
        """
        parent = _w3c.extract(headers) if headers is not None else None
        with self._tracer.start_as_current_span(
            name, parent, _KINDS[kind], _named(attributes), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                if word := _word_of(error):
                    mark_failed(span, word)
                raise

    @contextmanager
    def hop(self, headers: Mapping[str, str], sent_ns: int, received_ns: int, **facts: str | int) -> Iterator[HopNotes]:
        """The two spans of a hop, `<service>.wait` and `<service>`, around the work on a message, which may note more.

        They are written when the work is over; before it stands only the id that others refer to. A span costs
        0.07 ms to begin when caches are cold, which would be a sixth of a hop. A message without a trace begins one.
        """
        parent = trace.get_current_span(_w3c.extract(headers)).get_span_context()
        notes = HopNotes(facts=dict(facts), are_read=parent.trace_flags.sampled or not parent.is_valid)
        if not parent.is_valid:
            with self.span(self.service, {}, "consumer") as span:
                try:
                    yield notes
                finally:
                    span.set_attributes(_named(notes.facts))
                    if notes.failed:
                        mark_failed(span, notes.failed)
            return
        flags, state = parent.trace_flags, parent.trace_state
        own = trace.SpanContext(parent.trace_id, self._ids.generate_span_id(), False, flags, state)
        token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(own)))
        try:
            yield notes
        except BaseException as error:
            notes.failed = notes.failed or _word_of(error)
            raise
        finally:
            context.detach(token)
            if notes.are_read:
                self._write(parent, own.span_id, (sent_ns, received_ns), notes)

    def _write(self, parent: trace.SpanContext, own_id: int, times_ns: tuple[int, int], notes: HopNotes) -> None:
        """The two spans of a hop that is over. times_ns: when its message was sent and received."""
        above, (sent_ns, received_ns) = trace.set_span_in_context(trace.NonRecordingSpan(parent)), times_ns
        begun_ns = max(received_ns, notes.begun_ns)
        self._tracer.start_span(f"{self.service}.wait", above, start_time=sent_ns).end(begun_ns)
        self._ids.foreseen = own_id
        span = self._tracer.start_span(
            self.service, above, trace.SpanKind.CONSUMER, _named(notes.facts), start_time=begun_ns
        )
        if notes.failed:
            mark_failed(span, notes.failed)
        span.end()

    def headers(self, *, sampled: bool = True) -> dict[str, str]:
        """What a message carries so that its trace and its waiting time go on: W3C trace context and the time.

        sampled: False: whoever gets it makes no spans, nor do those after him.
        """
        carrier = {SENT_HEADER: str(time.time_ns())}
        _w3c.inject(carrier)
        if not sampled and _TRACEPARENT in carrier:
            carrier[_TRACEPARENT] = carrier[_TRACEPARENT][:-2] + "00"
        return carrier

    def spent(self, name: str, sent_ns: int, begun_ns: int, ended_ns: int, **facts: str | int) -> None:
        """Spans of what is over, `<name>.wait` (where there was any) and `<name>`, in the current trace."""
        if sent_ns < begun_ns:
            self._tracer.start_span(f"{name}.wait", start_time=sent_ns).end(begun_ns)
        self._tracer.start_span(name, attributes=_named(facts), start_time=begun_ns).end(ended_ns)

    def record(self, hop: Hop) -> None:
        """Count a hop's times, for every frame."""
        attributes = {"hop": hop.name}
        self._waited.record(hop.waited_ms / 1000, hop.frames, attributes)
        self._worked.record(hop.worked_ms / 1000, hop.frames, attributes)

    def count(self, outcome: str) -> None:
        """Count what became of a message."""
        self._outcomes.add(1, {"outcome": outcome})

    def count_fetched(self, fetched: Mapping[str, int]) -> None:
        """Count what was copied from a card to the host, by what it is."""
        counter = self.metrics.counter(FETCHED)
        for what, count in fetched.items():
            counter.add(count, {"what": what})

    def close(self) -> None:
        """Send what is pending."""
        self._provider.force_flush(2000)
        self._provider.shutdown()
        self.metrics.close()


def is_traced() -> bool:
    """Whether there is a current trace that has spans."""
    now = trace.get_current_span().get_span_context()
    return now.is_valid and now.trace_flags.sampled


def asks_for_every_frame() -> bool:
    """Whether every frame of the current trace is to have spans."""
    return trace.get_current_span().get_span_context().trace_state.get(_DEPTH) == _EVERY_FRAME


def ask_for_every_frame() -> None:
    """From here on, in this task and in all that is caused by it, every frame of the current trace has spans."""
    now = trace.get_current_span().get_span_context()
    if not now.is_valid:
        return
    flags = trace.TraceFlags(now.trace_flags | trace.TraceFlags.SAMPLED)
    state = trace.TraceState([(_DEPTH, _EVERY_FRAME), *_without_depth(now.trace_state).items()][:_MOST_MEMBERS])
    asked = trace.SpanContext(now.trace_id, now.span_id, False, flags, state)
    context.attach(trace.set_span_in_context(trace.NonRecordingSpan(asked)))


def carried_by(headers: Mapping[str, str], *, sampled: bool = False) -> dict[str, str]:
    """W3C trace context of a caller from outside, whose word on how deep traces go is not taken.

    sampled: the trace gets spans, also where the caller wants none.
    """
    parent = trace.get_current_span(_w3c.extract({name: headers.get(name, "") for name in _W3C})).get_span_context()
    if not parent.is_valid:
        return {}
    flags = parent.trace_flags | (trace.TraceFlags.SAMPLED if sampled else 0)
    state = _without_depth(parent.trace_state)
    kept = trace.SpanContext(parent.trace_id, parent.span_id, True, trace.TraceFlags(flags), state)
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, trace.set_span_in_context(trace.NonRecordingSpan(kept)))
    return carrier


def mark_failed(span: trace.Span, word: str) -> None:
    """Have a span say that what it stands for failed. word: a problem's code, never its sentence."""
    span.set_status(trace.StatusCode.ERROR, word)


def trace_id_of(span: trace.Span) -> str:
    """The trace's id, 32 hexadecimal digits."""
    return trace.format_trace_id(span.get_span_context().trace_id)


def sent_ns_of(headers: Mapping[str, str], default: int) -> int:
    """When a message was published, by its header; `default` if it does not say."""
    value = headers.get(SENT_HEADER, "")
    return int(value) if value.isdecimal() else default


class _ForeseenIds(RandomIdGenerator):
    """Ids of spans, of which one may be known before its span is made."""

    foreseen = 0
    """The id of the next span, if it is known; 0 if not."""

    def generate_span_id(self) -> int:
        """The foreseen id, once, or a new one."""
        known, self.foreseen = self.foreseen, 0
        return known or super().generate_span_id()


class _ToGateway(SpanExporter):
    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._send(encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS


def _word_of(error: BaseException) -> str:
    """What a span says of an exception that ends it; nothing of work that is no longer wanted."""
    return "" if isinstance(error, Late) else type(error).__name__


def _without_depth(state: trace.TraceState) -> trace.TraceState:
    return state.delete(_DEPTH) if _DEPTH in state else state


def _named(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {f"visavis.{key}": value for key, value in attributes.items()}
