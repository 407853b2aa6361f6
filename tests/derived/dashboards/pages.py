"""What the dashboards have in common: head, links, alerts as marks, rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType

from tests.derived.dashboards.panels import METRICS

if TYPE_CHECKING:
    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel

TAG = "visavis"


def page_of(title: str, uid: str, says: str) -> dashboard.Dashboard:
    """A page without panels."""
    alerts = dashboard.AnnotationQuery().name("Alerts").datasource(METRICS).enable(True).icon_color("red")
    alerts.expr('max by (alertname) (ALERTS{alertstate="firing"})')
    others = dashboard.DashboardLink("Visavis").type(DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True)
    metrics = dashboard.DatasourceVariable("metrics").label("Metrics").type("prometheus")
    page = dashboard.Dashboard(title).uid(uid).description(says).tags([TAG]).refresh("10s").time("now-1h", "now")
    return page.tooltip(DashboardCursorSync.CROSSHAIR).annotation(alerts).link(others).with_variable(metrics)


def add_row(page: dashboard.Dashboard, title: str, *panels: Builder[Panel]) -> None:
    """Add panels under a title, in rows of 24 columns."""
    page.with_row(dashboard.Row(title))
    for one in panels:
        page.with_panel(one)
