"""Dashboards as pictures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.derived.dashboards.drawn import COLOURS, LEVELS, ceiling, drawn, in_time, said

if TYPE_CHECKING:
    from pathlib import Path

LINE = {
    "type": "timeseries",
    "title": "Line",
    "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
    "fieldConfig": {"defaults": {"unit": "s"}},
    "targets": [{"expr": "rate(x[$__rate_interval])", "legendFormat": "{{hop}}"}],
}
NUMBER = {
    "type": "stat",
    "title": "Number",
    "gridPos": {"x": 12, "y": 0, "w": 4, "h": 4},
    "fieldConfig": {
        "defaults": {
            "unit": "short",
            "thresholds": {"steps": [{"value": None, "color": "green"}, {"value": 3, "color": "red"}]},
        }
    },
    "targets": [{"expr": "y", "legendFormat": ""}],
}


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0.0123, "s", "12.3 ms"), (2, "s", "2 s"), (0, "s", "0 s"), (5e-5, "s", "50 µs"), (0.5, "percentunit", "50 %"),
        (3 << 20, "bytes", "3 MiB"), (0, "bytes", "0 B"), (12.34, "short", "12.3"),
    ],
)  # fmt: skip
def test_numbers_are_written_in_their_unit(value: float, unit: str, written: str) -> None:
    assert said(value, unit) == written


@pytest.mark.parametrize(("value", "above"), [(0, 1), (0.9, 1), (1, 1), (1.1, 2), (0.021, 0.025), (99, 100), (7, 10)])
def test_an_axis_ends_at_a_round_number_that_no_value_is_above(value: float, above: float) -> None:
    assert ceiling(value) == pytest.approx(above)


def test_an_axis_of_bytes_ends_at_a_round_number_of_what_is_written() -> None:
    assert ceiling(300 << 20, "bytes") == 500 << 20


def test_a_rate_is_over_the_time_that_is_given() -> None:
    assert in_time("rate(x[$__rate_interval])", 10.0) == "rate(x[10s])"


def test_lines_lie_in_their_panel_and_numbers_have_the_colour_of_their_level(tmp_path: Path) -> None:
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"panels": [LINE, NUMBER]}))
    asked = []

    def ask(expr: str) -> list[dict[str, Any]]:
        asked.append(expr)
        values = [[100 + second, "NaN" if second == 5 else str(4 + second)] for second in range(10)]
        return [{"metric": {"hop": "detect"}, "values": values}]

    picture = drawn(page, ask, 100, 110, 10)
    assert asked == ["rate(x[10s])", "y"]
    half = picture.width // 2
    left, right = picture.crop((0, 0, half, picture.height)), picture.crop((half, 0, picture.width, picture.height))
    assert COLOURS[0] in {colour for _, colour in left.getcolors(1 << 16) or ()}
    assert LEVELS["red"] in {colour for _, colour in right.getcolors(1 << 16) or ()}


def test_a_panel_without_an_answer_says_so(tmp_path: Path) -> None:
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"panels": [LINE]}))
    with_nothing = drawn(page, lambda _: [], 0, 10, 10)
    assert COLOURS[0] not in {colour for _, colour in with_nothing.getcolors(1 << 16) or ()}
