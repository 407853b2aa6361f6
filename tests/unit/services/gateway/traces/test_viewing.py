"""One trace as its page shows it."""

from __future__ import annotations

from services.gateway.traces import otlp
from services.gateway.traces.kept import KeptTrace
from services.gateway.traces.viewing import ROWS_A_PAGE, TraceView
from tests.unit.services.gateway.traces.spans import BEGAN_NS, MS, ROOT, sent, span, still


def trace(*bodies: bytes) -> KeptTrace:
    made = KeptTrace(10_000)
    for body in bodies:
        for resource, service, one in otlp.read(body):
            made.put(resource, service, one)
    return made


def test_a_short_trace_is_one_page_with_its_models() -> None:
    view = TraceView.of("t", trace(*still()))
    assert (len(view.shown), view.earlier, view.later) == (4, None, None)
    assert view.models == ["blazeface"]
    assert (view.scale.start_ns, view.scale.end_ns) == (BEGAN_NS, BEGAN_NS + 40 * MS)
    assert view.ticks == [(0, 0), (25, 10), (50, 20), (75, 30), (100, 40)]


def test_a_long_trace_has_pages_each_with_the_line_of_its_own_frames() -> None:
    around = span("ingest", ROOT, 0, 9999)
    frames = [span("decode", n.to_bytes(8), n * 10, n * 10 + 5, parent=ROOT, frame=n) for n in range(1, 601)]
    found = trace(sent("ingest", around, *frames))
    first, second, third = (TraceView.of("t", found, at) for at in (0, ROWS_A_PAGE + 3, 2 * ROWS_A_PAGE))
    assert [(one.first, one.earlier, one.later) for one in (first, second, third)] == [
        (0, None, 250), (250, 0, 500), (500, 250, None)
    ]  # fmt: skip
    assert (first.scale.start_ns, first.scale.end_ns) == (BEGAN_NS + 10 * MS, BEGAN_NS + 2495 * MS)
    assert second.scale.start_ns == BEGAN_NS + 2500 * MS
    assert second.ticks[0] == (0, 2500)


def test_the_page_of_a_span_is_found() -> None:
    found = trace(sent("ingest", *(span("decode", n.to_bytes(8), n, n + 1, frame=n) for n in range(600))))
    assert TraceView.of("t", found, span=(400).to_bytes(8).hex()).first == ROWS_A_PAGE
    assert TraceView.of("t", found, span="nonsense").first == 0
    assert TraceView.of("t", found, first=10_000).first == 0
