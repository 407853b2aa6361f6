"""What the rules and dashboards of deploy/ ask of Prometheus."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
RULE_TESTS = RULES.with_name("rules_test.yml")
SCRAPING = RULES.with_name("prometheus.yml")
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
_METRIC = re.compile(r"\b(?:visavis|process|http_server|rpc_server)_\w+(?![\w:])")
_SELECTOR = re.compile(r"\b((?:visavis|process|http_server|rpc_server)_\w+)\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression and where it stands."""

    place: str
    """File and alert, record or panel."""
    text: str

    @property
    def metrics(self) -> set[str]:
        """Names of metrics of ours in it; those that rules record are none."""
        return set(_METRIC.findall(self.text))

    def labels(self) -> Iterator[tuple[str, str, str, str]]:
        """Metric, label, operator and value of each matcher in it."""
        for metric, within in _SELECTOR.findall(self.text):
            for label, operator, value in _MATCHER.findall(within):
                yield metric, label, operator, value


def rules() -> list[dict[str, Any]]:
    """Every rule, with `alert` or `record`."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def of_rules() -> list[Expression]:
    """Expressions of the rules."""
    return [Expression(f"{RULES.name}: {one.get('alert') or one['record']}", one["expr"]) for one in rules()]


def panels(dashboard: Path) -> list[dict[str, Any]]:
    """Panels of a dashboard, rows left out."""
    return [one for one in json.loads(dashboard.read_text())["panels"] if one["type"] != "row"]


def of_dashboards() -> list[Expression]:
    """Expressions of all panels that ask Prometheus."""
    return [
        Expression(f"{page.name}: {panel['title']}", target["expr"])
        for page in sorted(DASHBOARDS.glob("*.json"))
        for panel in panels(page)
        for target in panel.get("targets", ())
        if "expr" in target
    ]
