"""The files of deploy/grafana/dashboards: the whole service, one lane, one session (decision 0062)."""

from __future__ import annotations

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tests.derived.dashboards.lane import lane_dashboard
from tests.derived.dashboards.service import service_dashboard
from tests.derived.dashboards.session import session_dashboard

FOLDER = Path(__file__).parents[3] / "deploy" / "grafana" / "dashboards"
PAGES = {"service.json": service_dashboard, "lane.json": lane_dashboard, "session.json": session_dashboard}


def written(name: str) -> str:
    """The text of one of the files."""
    page = PAGES[name]().build()
    for number, panel in enumerate(page.panels or (), 1):
        panel.id_val = number
    return JSONEncoder(indent=2, sort_keys=True).encode(page) + "\n"
