"""Rows of a waterfall."""

from __future__ import annotations

import pytest

from services.gateway.traces import otlp
from services.gateway.traces.otlp import SpanSeen
from services.gateway.traces.waterfall import Row, Scale, rows
from tests.unit.services.gateway.traces.spans import BEGAN_NS, MS, sent, span, still


def seen(*bodies: bytes) -> list[SpanSeen]:
    return [otlp.seen(service, one) for body in bodies for _, service, one in otlp.read(body)]


def shape(found: list[Row]) -> list[tuple[str, int, float | None, float | None]]:
    return [(row.name, row.depth, row.waited_ms, row.worked_ms) for row in found]


WHOLE = [
    ("POST /v1/images", 0, None, 40.0), ("ingest", 1, 1.0, 37.0), ("detect", 2, 3.0, 12.0), ("render", 3, 1.0, 14.0)
]  # fmt: skip


def test_each_piece_of_work_is_one_row_with_what_it_waited_below_its_cause() -> None:
    assert shape(rows(seen(*still()))) == WHOLE
    assert shape(rows(seen(*reversed(still())))) == WHOLE


def test_what_has_no_cause_here_stands_at_the_top() -> None:
    assert [(name, depth) for name, depth, _, _ in shape(rows(seen(*still()[2:])))] == [("detect", 0), ("render", 1)]


def test_waiting_without_its_work_is_a_row_too() -> None:
    [row] = rows(seen(sent("detect", span("detect.wait", b"1" * 8, 1, 4))))
    assert shape([row]) == [("detect", 0, 3.0, None)]
    assert row.start_ns == BEGAN_NS + MS


def test_two_passes_of_one_service_keep_their_own_waiting() -> None:
    passes = [
        span("render.wait", b"a" * 8, 0, 5), span("render", b"b" * 8, 5, 6),
        span("render.wait", b"c" * 8, 1, 6), span("render", b"d" * 8, 6, 9),
    ]  # fmt: skip
    assert shape(rows(seen(sent("render", *passes)))) == [("render", 0, 5.0, 1.0), ("render", 0, 5.0, 3.0)]


def test_spans_that_cause_each_other_or_themselves_are_shown_all_the_same() -> None:
    ring = [
        span("a", b"a" * 8, 0, 1, parent=b"b" * 8), span("b", b"b" * 8, 0, 1, parent=b"a" * 8),
        span("c", b"c" * 8, 0, 1, parent=b"c" * 8),
    ]  # fmt: skip
    assert sorted(row.name for row in rows(seen(sent("gateway", *ring)))) == ["a", "b", "c"]


def test_a_thousand_below_each_other_are_no_trouble() -> None:
    chain = [span("s", n.to_bytes(8), n, n + 1, parent=(n - 1).to_bytes(8) if n > 1 else b"") for n in range(1, 2001)]
    assert rows(seen(sent("ingest", *chain)))[-1].depth == 1999


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (0, 100, (0.0, 100.0)),
        (25, 50, (25.0, 25.0)),
        (50, 50, (50.0, 0.2)),  # never too narrow to be seen
        (-50, 50, (0.0, 50.0)),
        (90, 500, (90.0, 10.0)),
        (400, 500, (99.8, 0.2)),
    ],
)
def test_a_span_has_its_place_on_the_line(start: int, end: int, place: tuple[float, float]) -> None:
    [one] = seen(sent("detect", span("a", b"1" * 8, start, end)))
    assert Scale(BEGAN_NS, BEGAN_NS + 100 * MS).place(one) == place


def test_a_line_without_length_has_its_place_too() -> None:
    [one] = seen(sent("detect", span("a", b"1" * 8, 0, 0)))
    assert Scale(BEGAN_NS, BEGAN_NS).place(one) == (0.0, 0.2)
