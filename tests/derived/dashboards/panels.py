"""The kinds of panels that the dashboards are made of, on Grafana's own typed builders (decision 0062)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, table, text, timeseries
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

if TYPE_CHECKING:
    from collections.abc import Mapping

METRICS = DataSourceRef("prometheus", "${metrics}")
TRACES = DataSourceRef("jaeger", "${traces}")
"""Chosen on the page, so that a dashboard works in anybody's Grafana."""
QUARTER, THIRD, HALF, WHOLE = 6, 8, 12, 24
"""Of the grid's 24 columns."""
_HIGH = 8
_GOOD, _WORSE, _BAD = "green", "orange", "red"


@dataclass(kw_only=True)
class JaegerQuery(Dataquery):
    """A query of Grafana's Jaeger data source, which the builders do not have."""

    refId: str = "A"  # noqa: N815  -- Grafana's names
    queryType: str | None = None  # noqa: N815
    service: str | None = None
    tags: str | None = None
    query: str | None = None
    limit: int | None = None

    def to_json(self) -> dict[str, object]:
        """As Grafana stores it."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        return {"datasource": TRACES, **said}

    def build(self) -> JaegerQuery:
        """A builder of itself."""
        return self


def over_time(
    title: str, unit: str, says: str, queries: Mapping[str, str], *, span: int = THIRD, stacked: bool = False
) -> timeseries.Panel:
    """Lines over time. queries: expressions by their legend. Times have exemplars, which lead to traces."""
    panel = (
        timeseries.Panel().title(title).description(says).unit(unit).min(0).datasource(METRICS).span(span).height(_HIGH)
        .fill_opacity(30 if stacked else 6).line_width(1)
        .legend(
            common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )  # fmt: skip
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for letter, (legend, expr) in zip("ABCDEFGH", queries.items(), strict=False):
        panel.with_target(_query(letter, expr, legend).range().exemplar("_bucket" in expr))
    return panel


def one_number(title: str, unit: str, says: str, expr: str, steps: tuple[float, float] | None = None) -> stat.Panel:
    """The newest value. steps: from where on it is worse, and bad; falling ones mean that less is worse."""
    panel = (
        stat.Panel().title(title).description(says).unit(unit).datasource(METRICS).span(4).height(4)
        .graph_mode(BigValueGraphMode.AREA).color_mode(BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_query("A", expr, title).range())
    )  # fmt: skip
    return panel if steps is None else panel.thresholds(_thresholds(*steps))


def states(title: str, says: str, expr: str, legend: str, *, span: int = WHOLE) -> statetimeline.Panel:
    """One bar a series, as long as the series is there."""
    return (
        statetimeline.Panel().title(title).description(says).datasource(METRICS).span(span).height(6)
        .show_value("never").with_target(_query("A", expr, legend).range())
    )  # fmt: skip


def traces_found(title: str, says: str, query: JaegerQuery) -> table.Panel:
    """A line a trace; its id opens it."""
    return (
        table.Panel().title(title).description(says).datasource(TRACES).span(WHOLE).height(10).with_target(query)
    )  # fmt: skip


def one_trace(title: str, says: str, query: JaegerQuery) -> dashboard.Panel:
    """A waterfall."""
    return (
        dashboard.Panel().type("traces").title(title).description(says).datasource(TRACES).span(WHOLE).height(18)
        .with_target(query)
    )  # fmt: skip


def words(title: str, content: str, *, high: int = 4) -> text.Panel:
    """Markdown."""
    return text.Panel().title(title).content(content).span(WHOLE).height(high)


def _query(letter: str, expr: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(letter).expr(expr).legend_format(legend).datasource(METRICS)


def _thresholds(worse: float, bad: float) -> dashboard.ThresholdsConfig:
    if bad > worse:
        steps = [Threshold(None, _GOOD), Threshold(worse, _WORSE), Threshold(bad, _BAD)]
    else:
        steps = [Threshold(None, _BAD), Threshold(bad, _WORSE), Threshold(worse, _GOOD)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
