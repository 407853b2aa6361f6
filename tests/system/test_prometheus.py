"""A real Prometheus scrapes the stack under load: everything that rules and dashboards name is there."""

from __future__ import annotations

import re
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.derived.dashboards.drawn import COLOURS, drawn, in_time
from tests.expressions import DASHBOARDS, RULE_TESTS, RULES, SCRAPING, of_dashboards, of_rules
from tests.prometheus_server import PrometheusServer, program
from tests.system.load import under_load
from tests.system.watching import PATIENCE_SECONDS, wait_until
from visavis.stack import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from visavis.client import Client
    from visavis.stack import Stack

LOAD_SECONDS = 4.0
RATE_SECONDS = 10
"""What `$__rate_interval` stands for here."""
OF_CARDS = re.compile(r"visavis_card_")
"""Metrics of a lane on a card: there is none here."""
IN_TROUBLE = re.compile(r"ALERTS|visavis_card_")
"""What panels ask for that is not there when all is well."""
ONLY_IN_TROUBLE = {
    ("visavis_frames_total", "reason", "internal|unavailable|decoder-died|deadline-exceeded|storage-full"),
    ("visavis_messages_total", "outcome", "retried|unsettled"),
    ("http_server_request_duration_seconds_count", "http_response_status_code", "5.."),
    ("http_server_request_duration_seconds_count", "http_response_status_code", "503"),
    ("rpc_server_call_duration_seconds_count", "rpc_response_status_code", "INTERNAL|UNKNOWN|DATA_LOSS"),
}
"""Values of labels that rules look for and that are not there when all is well."""
pytestmark = pytest.mark.timeout(300)


class Watched(NamedTuple):
    """What came of the load."""

    prometheus: PrometheusServer
    lane: str
    start: float
    end: float
    """Seconds since 1970."""

    def said(self, expr: str) -> str:
        """An expression of a panel as Grafana asks it."""
        return in_time(expr.replace("$lane", self.lane), RATE_SECONDS)


@pytest.fixture(scope="module")
def watched(stack: Stack, portrait: bytes, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The common stack has been under load, and Prometheus knows all of it."""
    targets = {name: [stack.metrics(name).split("/")[2]] for name in SERVICES}
    with PrometheusServer(tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        wait_until(lambda: len(prometheus.now("up == 1")) == len(targets), "every process is scraped")
        start = time.time()
        under_load(stack, portrait, clip, LOAD_SECONDS)
        end = time.time() + 2  # the rules come after what they are computed from
        newest = "min(timestamp(up == 1))"
        wait_until(lambda: float(prometheus.now(newest)[0]["value"][1]) > end, "every process was scraped since")
        yield Watched(prometheus, stack.lane, start, end)


@pytest.mark.parametrize(
    "words", [("check", "rules", RULES), ("check", "config", SCRAPING), ("test", "rules", RULE_TESTS)]
)
def test_promtool_finds_nothing_wrong(words: tuple[object, ...]) -> None:
    ran = subprocess.run([program("promtool"), *map(str, words)], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_process_is_scraped_and_every_rule_computed(watched: Watched) -> None:
    assert {(one["labels"]["job"], one["health"], one["lastError"]) for one in watched.prometheus.targets()} == {
        (name, "up", "") for name in SERVICES
    }
    assert [rule for rule in watched.prometheus.rules() if rule["health"] != "ok"] == []


def test_every_metric_that_is_named_is_there(watched: Watched) -> None:
    there = watched.prometheus.names()
    missing = {
        (one.place, name) for one in (*of_rules(), *of_dashboards()) for name in one.metrics - there
        if not OF_CARDS.match(name)
    }  # fmt: skip
    assert missing == set()


def test_every_label_that_is_asked_for_is_there(watched: Watched) -> None:
    asked = {
        label for one in (*of_rules(), *of_dashboards()) for label in one.labels()
        if label[2] in {"=", "=~"} and "$" not in label[3] and not OF_CARDS.match(label[0])
    }  # fmt: skip
    missing = {
        (metric, label, value) for metric, label, _, value in asked
        if not any(re.fullmatch(value, one) for one in watched.prometheus.values(metric, label))
    }  # fmt: skip
    assert missing - ONLY_IN_TROUBLE == set()


def test_every_panel_shows_something(watched: Watched) -> None:
    empty = [one for one in of_dashboards() if not IN_TROUBLE.search(one.text)]
    end = time.monotonic() + PATIENCE_SECONDS
    while empty and time.monotonic() < end:  # a rate comes with the second scrape of what is counted
        now = time.time()
        empty = [one for one in empty if not watched.prometheus.between(watched.said(one.text), watched.start, now, 1)]
    assert [one.place for one in empty] == []


def test_a_slow_frame_leads_to_its_trace(watched: Watched, client: Client) -> None:
    bucket = "visavis_hop_worked_seconds_bucket"
    found = watched.prometheus.exemplars(bucket, watched.start, watched.end)
    traces = [one["labels"]["trace_id"] for series in found for one in series["exemplars"]]
    assert traces
    assert client.trace(traces[-1])["resourceSpans"]


def test_the_dashboards_can_be_looked_at(watched: Watched, tmp_path: Path) -> None:
    def ask(expr: str) -> list[dict[str, object]]:
        return watched.prometheus.between(watched.said(expr), watched.start, watched.end, 1)

    for name in ("service", "lane"):
        picture = drawn(DASHBOARDS / f"{name}.json", ask, watched.start, watched.end, RATE_SECONDS)
        picture.save(tmp_path / f"{name}.png")
        seen = {colour: count for count, colour in picture.getcolors(1 << 20) or ()}
        assert [seen.get(colour, 0) > 1000 for colour in COLOURS[:3]] == [True] * 3
