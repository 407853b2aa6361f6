"""The dashboards of deploy/ are those that are defined here."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from tests.derived.dashboards.files import FOLDER, PAGES, written
from tests.derived.dashboards.queries import averages, quantiles, rates


def test_the_files_are_those_of_the_definitions() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.json")) == sorted(PAGES)
    for name in PAGES:
        assert (FOLDER / name).read_text() == written(name), "run `python -m tests.derived.dashboards`"


@pytest.mark.parametrize("name", PAGES)
def test_panels_lie_beside_each_other_and_say_what_they_show(name: str) -> None:
    panels = json.loads(written(name))["panels"]
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart_x or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(panel.get("description") for panel in panels if panel["type"] not in {"row", "text"})
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_times_lead_to_traces() -> None:
    targets = [target for panel in json.loads(written("service.json"))["panels"] for target in panel.get("targets", ())]
    assert {target["exemplar"] for target in targets if "_bucket[" in target["expr"]} == {True}


def test_expressions_are_promql_of_their_kind() -> None:
    (line,) = quantiles("x_seconds", "hop", '{lane="a"}', (99,)).items()
    assert line == (
        "p99 {{hop}}",
        'histogram_quantile(0.99, sum by (le, hop) (rate(x_seconds_bucket{lane="a"}[$__rate_interval])))',
    )
    assert rates("x_total", "a, b") == {"{{a}} {{b}}": "sum by (a, b) (rate(x_total[$__rate_interval]))"}
    assert list(averages("x", "a").values()) == [
        "sum by (a) (rate(x_sum[$__rate_interval])) / sum by (a) (rate(x_count[$__rate_interval]))"
    ]
