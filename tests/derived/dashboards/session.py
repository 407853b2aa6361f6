"""The dashboard of one session: what can be had of it, its traces."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import VariableOption

from tests.derived.dashboards.pages import add_row, page_of
from tests.derived.dashboards.panels import HALF, JaegerQuery, one_trace, over_time, traces_found, words
from tests.derived.dashboards.queries import quantiles

SERVICES = tuple(f"visavis-{name}" for name in ("render", "detect", "ingest", "gateway"))
TEXT = """
One session is a stream, a picture, or one segment of a job. **Metrics do not know sessions**: each would be series of
its own, which stay when it is gone. What is known of one are its traces and its log lines, by `visavis.session`.

Give its id above, and choose the service whose spans are searched. The id of a trace that is found opens it; given
above, it is shown below. Only sampled frames have spans; a request with the header `X-Visavis-Trace: 1` has them all.

The lines at the bottom are of all sessions together. Their dots are frames of which a trace is known.
"""


def session_dashboard() -> dashboard.Dashboard:
    """Its traces, and what was usual meanwhile."""
    page = page_of("Visavis: one session", "visavis-session", "Its traces, and what was usual meanwhile.")
    service = dashboard.CustomVariable("service").label("Service").values(",".join(SERVICES))
    service.current(VariableOption(text=SERVICES[0], value=SERVICES[0], selected=True))
    page.with_variable(dashboard.DatasourceVariable("traces").label("Traces").type("jaeger"))
    page.with_variable(dashboard.TextBoxVariable("session").label("Session").default_value("")).with_variable(service)
    page.with_variable(dashboard.TextBoxVariable("trace").label("Trace").default_value(""))
    _traces(page)
    _meanwhile(page)
    return page


def _traces(page: dashboard.Dashboard) -> None:
    found = JaegerQuery(queryType="search", service="$service", tags="visavis.session=$session", limit=50)
    trace_says = "What waited (.wait) and what worked, service by service."
    add_row(
        page,
        "The session",
        words("What this page can show", TEXT),
        traces_found("Traces", "Those in which the service has a span of the session.", found),
        one_trace("Trace", trace_says, JaegerQuery(query="$trace")),
    )


def _meanwhile(page: dashboard.Dashboard) -> None:
    delay = quantiles("visavis_delivery_delay_seconds")
    worked = quantiles("visavis_hop_worked_seconds", "hop", at=(99,))
    add_row(
        page,
        "All sessions meanwhile",
        over_time("Delay", "s", "From a packet's arrival to the delivery of its frame.", delay, span=HALF),
        over_time("Worked", "s", "From receiving to publishing, a frame.", worked, span=HALF),
    )
