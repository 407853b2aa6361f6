"""A trace as rows on a line of time: each piece of work under what caused it, with what it waited before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from services.gateway.traces.otlp import SpanSeen


@dataclass(slots=True)
class Row:
    """One piece of work, with the waiting before it."""

    work: SpanSeen | None = None
    """None: it has not ended yet, or was left out."""
    wait: SpanSeen | None = None
    depth: int = 0
    """How many rows it is below the topmost."""
    below: list[Row] = field(default_factory=list)

    @property
    def span(self) -> SpanSeen:
        """The one that stands for it."""
        found = self.work or self.wait
        assert found is not None  # noqa: S101  -- a row is made of a span
        return found

    @property
    def name(self) -> str:
        """Of the work."""
        return self.span.waited_for or self.span.name

    @property
    def start_ns(self) -> int:
        """Since 1970, waiting included."""
        return min(one.start_ns for one in (self.wait, self.work) if one is not None)

    @property
    def waited_ms(self) -> float | None:
        """None: nothing says that it waited."""
        return None if self.wait is None else self.wait.took_ms

    @property
    def worked_ms(self) -> float | None:
        """None: nothing is known of it yet."""
        return None if self.work is None else self.work.took_ms


def rows(spans: Sequence[SpanSeen]) -> list[Row]:
    """Every row in the order of the page: by start, causes before what they caused.

    A span whose cause is not there, because it has not ended or was left out, stands at the top.
    """
    found = _paired(spans)
    by_id = {row.work.span_id: row for row in found if row.work is not None}
    top: list[Row] = []
    for row in found:
        above = by_id.get(row.span.parent_id)
        (top if above is None or above is row else above.below).append(row)
    laid = list(_laid_out(top))
    if len(laid) < len(found):  # spans that name each other as their cause
        known = {id(row) for row in laid}
        laid.extend(row for row in found if id(row) not in known)
    return laid


def _paired(spans: Sequence[SpanSeen]) -> list[Row]:
    """Work and the waiting that ended when it began, of one service under one cause."""
    waits = {_key(one, one.waited_for, one.end_ns): one for one in spans if one.waited_for}
    works = [one for one in spans if not one.waited_for]
    found = [Row(one, waits.pop(_key(one, one.name, one.start_ns), None)) for one in works]
    return found + [Row(None, wait) for wait in waits.values()]


def _key(span: SpanSeen, name: str, met_ns: int) -> tuple[str, str, str, int]:
    return span.service, span.parent_id, name, met_ns


def _laid_out(top: Iterable[Row]) -> Iterator[Row]:
    """Without recursion: a job's segments may hang below each other, a thousand deep."""
    waiting = sorted(top, key=_start, reverse=True)
    while waiting:
        row = waiting.pop()
        yield row
        for one in row.below:
            one.depth = row.depth + 1
        waiting.extend(sorted(row.below, key=_start, reverse=True))


def _start(row: Row) -> int:
    return row.start_ns


@dataclass(frozen=True, slots=True)
class Scale:
    """The line of time of a page."""

    start_ns: int
    end_ns: int

    def place(self, span: SpanSeen) -> tuple[float, float]:
        """Where a span begins and how wide it is, percent of the line; never too narrow to be seen."""
        whole = max(1, self.end_ns - self.start_ns)
        left = min(99.8, max(0.0, (span.start_ns - self.start_ns) / whole * 100))
        right = min(100.0, (span.end_ns - self.start_ns) / whole * 100)
        return round(left, 3), round(max(0.2, right - left), 3)
