"""One trace as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.gateway.traces import otlp
from services.gateway.traces.waterfall import Row, Scale, rows

if TYPE_CHECKING:
    from services.gateway.traces.kept import KeptTrace

ROWS_A_PAGE = 250
TICKS = 4


@dataclass(frozen=True, slots=True)
class TraceView:
    """A trace, and which of its rows are shown."""

    trace_id: str
    trace: KeptTrace
    rows: list[Row]
    """All of them."""
    first: int
    """The first that is shown."""
    scale: Scale
    """Of those that are shown."""

    @classmethod
    def of(cls, trace_id: str, trace: KeptTrace, first: int = 0, span: str = "") -> TraceView:
        """The page from row `first` on, or the one that has that span."""
        found = rows([otlp.seen(service, otlp.span_of(body)) for service, body in trace.all_spans()])
        if span:
            first = next((at for at, row in enumerate(found) if row.span.span_id == span), 0)
        first = first // ROWS_A_PAGE * ROWS_A_PAGE if first < len(found) else 0
        shown = [row.span for row in found[first : first + ROWS_A_PAGE]]
        waits = [row.wait for row in found[first : first + ROWS_A_PAGE] if row.wait is not None]
        if len(found) <= ROWS_A_PAGE:
            scale = Scale(trace.start_ns, trace.end_ns)
        else:
            inner = [one for one in shown if one.is_of_a_frame] or shown  # what is around them lasts longer
            scale = Scale(min(one.start_ns for one in (*inner, *waits)), max(one.end_ns for one in inner))
        return cls(trace_id, trace, found, first, scale)

    @property
    def shown(self) -> list[Row]:
        """The rows of this page."""
        return self.rows[self.first : self.first + ROWS_A_PAGE]

    @property
    def last(self) -> int:
        """The row after the last that is shown."""
        return self.first + len(self.shown)

    @property
    def earlier(self) -> int | None:
        """Where the page before begins."""
        return self.first - ROWS_A_PAGE if self.first else None

    @property
    def later(self) -> int | None:
        """Where the next page begins."""
        return self.last if self.last < len(self.rows) else None

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Marks on the line of time: percent of it, and milliseconds since the trace began."""
        whole, before = self.scale.end_ns - self.scale.start_ns, self.scale.start_ns - self.trace.start_ns
        return [(at * 100 / TICKS, (before + at * whole // TICKS) / 1e6) for at in range(TICKS + 1)]

    @property
    def models(self) -> list[str]:
        """Face models that took part."""
        named = {row.span.facts.get(role, "") for row in self.rows for role in ("detector", "landmarks")}
        return sorted(named - {""})
