"""The dashboard of the whole service: is it well, and if not, where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.derived.dashboards.pages import add_row, page_of
from tests.derived.dashboards.panels import HALF, QUARTER, one_number, over_time, states
from tests.derived.dashboards.queries import newest, quantiles, rates

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

BAD = "visavis:live_frames_bad:ratio_rate"
FIRING = 'ALERTS{alertstate="firing"}'
ANSWERS = '{http_route!~"/(healthz|livez|readyz|metrics)|.*/(events|ws)"}'
"""Of requests for something, and not those that last as long as their clients listen."""
HTTP = "http_server_request_duration_seconds"
RPC = "rpc_server_call_duration_seconds"
SLOTS = "sum by (lane, memory) (visavis_pool_slots"


def service_dashboard() -> Dashboard:
    """Every lane and every gateway together."""
    page = page_of("Visavis: the service", "visavis-service", "Every lane and every gateway together.")
    for add in (_well, _live, _hops, _queues, _gateway, _lanes, _processes):
        add(page)
    return page


def _well(page: Dashboard) -> None:
    warm = 'max(visavis_lanes{state="warm"})'
    late_says = "Of the live frames of five minutes that a client waited for; the aim is 1%."
    add_row(
        page,
        "Is it well?",
        one_number("Warm lanes", "short", "Lanes with ingest, detect and render.", warm, (1, 0.5)),
        one_number("Sessions", "short", "Streams, segments and pictures under way.", "sum(visavis_sessions)"),
        one_number("Room", "percentunit", "Of the lane that has the most.", "max(visavis_room_ratio)", (0.2, 0.05)),
        one_number("Late or lost", "percentunit", late_says, f"{BAD}5m", (0.01, 0.144)),
        one_number("Dead letters", "short", "Messages that were given up.", "max(visavis_dead_letters)", (1, 10)),
        one_number("Alerts", "short", "That fire now.", f"count({FIRING}) or vector(0)", (1, 2)),
        states(
            "Alerts that fire",
            "docs/operations.md says of each what to do.",
            f"max by (alertname, severity) ({FIRING})",
            "{{alertname}} ({{severity}})",
        ),
    )


def _live(page: Dashboard) -> None:
    budget, dropped = "visavis_delivery_budget_ratio", '{outcome="dropped"}'
    windows = {"5 minutes": f"{BAD}5m", "1 hour": f"{BAD}1h", "6 hours": f"{BAD}6h"}
    delay_says = "From a packet's arrival to the delivery of its frame."
    kinds = rates("visavis_frames_total", "kind, outcome")
    reasons = rates("visavis_frames_total", "where, reason", dropped)
    add_row(
        page,
        "Live",
        over_time("Delay", "s", delay_says, quantiles("visavis_delivery_delay_seconds")),
        over_time("Delay budget used", "percentunit", "Delay over the stream's max_delay.", quantiles(budget)),
        over_time("Late or lost", "percentunit", "Of the frames that a client waited for. The aim: 1%.", windows),
        over_time("Frames", "short", "A second, by what became of them.", kinds, span=HALF, stacked=True),
        over_time("Frames dropped", "short", "A second, by place and reason.", reasons, span=HALF, stacked=True),
    )


def _hops(page: Dashboard) -> None:
    waited = quantiles("visavis_hop_waited_seconds", "hop", at=(50, 99))
    worked = quantiles("visavis_hop_worked_seconds", "hop", at=(50, 99))
    add_row(
        page,
        "Hops",
        over_time("Waited", "s", "From publishing to receiving, a frame.", waited, span=HALF),
        over_time("Worked", "s", "From receiving to publishing, a frame.", worked, span=HALF),
    )


def _queues(page: Dashboard) -> None:
    messages = rates("visavis_messages_total", "service, outcome")
    lag_says = "Messages that no consumer was given yet."
    add_row(
        page,
        "Queues",
        over_time("Length", "short", "Messages that wait or are worked on.", newest("visavis_queue_messages", "queue")),
        over_time("Lag", "short", lag_says, newest("visavis_queue_lag", "queue")),
        over_time("Messages", "short", "A second, by what became of them.", messages),
    )


def _gateway(page: Dashboard) -> None:
    statuses = rates(f"{HTTP}_count", "http_response_status_code")
    calls = rates(f"{RPC}_count", "rpc_method, rpc_response_status_code")
    times = quantiles(HTTP, "http_route", ANSWERS, at=(95,))
    add_row(
        page,
        "Gateway",
        over_time("REST", "reqps", "Requests a second, by status.", statuses, span=QUARTER, stacked=True),
        over_time("REST: time", "s", "To the end of the answer, without events.", times, span=QUARTER),
        over_time("gRPC", "reqps", "Calls a second, by status.", calls, span=QUARTER, stacked=True),
        over_time(
            "gRPC: time",
            "s",
            "A stream takes as long as it lives.",
            quantiles(RPC, "rpc_method", at=(95,)),
            span=QUARTER,
        ),
    )


def _lanes(page: Dashboard) -> None:
    frames = rates("visavis_hop_worked_seconds_count", "lane", '{hop="detect"}')
    used = {"{{lane}} {{memory}}": f'{SLOTS}{{state!="free"}}) / {SLOTS})'}
    add_row(
        page,
        "Lanes",
        over_time("Frames", "short", "That detect has looked at, a second.", frames),
        over_time("Room", "percentunit", "Free part of what a lane can do.", newest("visavis_room_ratio", "lane")),
        over_time("Slots in use", "percentunit", "Of the frame pools.", used),
    )


def _processes(page: Dashboard) -> None:
    memory = newest("process_memory_usage_bytes", "service", how="sum")
    files = newest("process_unix_file_descriptor_count", "service")
    cores = rates("process_cpu_time_seconds_total", "service")
    add_row(
        page,
        "Processes",
        over_time("Processor", "short", "Cores in use, without the decoders.", cores, stacked=True),
        over_time("Memory", "bytes", "Resident, with what is touched of the frame pool.", memory),
        over_time("Open files", "short", "Of the process that has the most.", files),
    )
