"""Every alert says how bad it is, what it means and what to do, and is tried out; what is asked for is measured."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
import yaml

from shared.model.obstacles import Obstacle
from shared.runtime.instruments import INSTRUMENTS
from tests.expressions import ROOT, RULE_TESTS, SCRAPING, of_dashboards, of_rules, rules
from visavis.stack import SERVICES

PAGE = (ROOT / "docs" / "operations.md").read_text()
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
PARTS = ("**Means.**", "**Look at.**", "**Do.**")


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_where_its_run_book_stands(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith((".", ": {{ $labels.reason }}"))
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    book = PAGE.split(f"\n### {name}\n")[1].split("\n### ")[0]
    assert [part for part in PARTS if part not in book] == []


def test_the_page_has_no_run_book_of_an_alert_that_is_no_more() -> None:
    section = PAGE.split("\n## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\w+)$", section, re.MULTILINE) == list(ALERTS)


def test_a_lane_without_a_card_is_no_lane_that_fell_back() -> None:
    """The rule knows the words of it, and the run-book all of them."""
    found = re.search('reason!~"([^"]*)"', ALERTS["NotOnItsCard"]["expr"])
    assert found is not None
    without = {Obstacle.NOT_WANTED, Obstacle.NO_CUPY, Obstacle.NO_CARD, Obstacle.LANE_INCOMPLETE}
    assert {one for one in Obstacle if re.fullmatch(found[1], one)} == without
    book = PAGE.split("\n### NotOnItsCard\n")[1].split("\n### ")[0]
    assert [one for one in Obstacle if f"`{one}`" not in book] == []


def test_every_alert_is_tried_firing_and_not_firing() -> None:
    tried: dict[str, set[bool]] = defaultdict(set)
    for group in yaml.safe_load(RULE_TESTS.read_text())["tests"]:
        for one in group["alert_rule_test"]:
            tried[one["alertname"]].add(bool(one.get("exp_alerts")))
    assert {name: tried[name] for name in ALERTS} == {name: {True, False} for name in ALERTS}
    assert tried.keys() <= ALERTS.keys(), "a test of an alert that is no more"


def test_every_metric_that_rules_and_dashboards_name_is_on_the_list_of_those_that_are_measured() -> None:
    kinds = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    measured = {f"{one.family}{end}" for one in INSTRUMENTS for end in kinds.get(one.kind, ("",))}
    asked = {(one.place, name) for one in (*of_rules(), *of_dashboards()) for name in one.metrics}
    assert {(place, name) for place, name in asked if name not in measured} == set()


def test_every_service_is_scraped() -> None:
    assert {job["job_name"] for job in yaml.safe_load(SCRAPING.read_text())["scrape_configs"]} == set(SERVICES)


def test_an_exemplar_leads_to_a_data_source_that_is_there() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning" / "datasources"
    sources = yaml.safe_load((folder / "visavis.yml").read_text())["datasources"]
    (leads,) = sources[0]["jsonData"]["exemplarTraceIdDestinations"]
    assert leads == {"name": "trace_id", "datasourceUid": "jaeger"}
    assert leads["datasourceUid"] in {one["uid"] for one in sources}
