"""The dashboard of one lane: its frames' way, its pool, its nets, its card."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import VariableRefresh, VariableSort

from tests.derived.dashboards.pages import add_row, page_of
from tests.derived.dashboards.panels import HALF, METRICS, QUARTER, over_time, states
from tests.derived.dashboards.queries import averages, newest, quantiles, rates

LANE = '{lane="$lane"}'


def lane_dashboard() -> dashboard.Dashboard:
    """Ingest, detect and render that share a frame pool."""
    page = page_of("Visavis: one lane", "visavis-lane", "Ingest, detect and render that share a frame pool.")
    lanes = dashboard.QueryVariable("lane").label("Lane").datasource(METRICS)
    lanes.query("label_values(visavis_pool_slots, lane)").sort(VariableSort.ALPHABETICAL_ASC)
    page.with_variable(lanes.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED))
    for add in (_frames, _room, _nets, _card, _processes):
        add(page)
    return page


def _frames(page: dashboard.Dashboard) -> None:
    hops = rates("visavis_hop_worked_seconds_count", "hop", LANE)
    waited = quantiles("visavis_hop_waited_seconds", "hop", LANE, (50, 99))
    worked = quantiles("visavis_hop_worked_seconds", "hop", LANE, (50, 99))
    messages = rates("visavis_messages_total", "service, outcome", LANE)
    lag_says = "Messages that no consumer was given yet."
    encoding = quantiles("visavis_encode_duration_seconds", "codec", LANE, (50, 99))
    add_row(
        page,
        "Frames",
        over_time("Frames", "short", "A second, by hop.", hops),
        over_time("Waited", "s", "From publishing to receiving, a frame.", waited),
        over_time("Worked", "s", "From receiving to publishing, a frame.", worked),
        over_time("Messages", "short", "A second, by what became of them.", messages),
        over_time("Lag", "short", lag_says, newest("visavis_queue_lag", "queue", LANE)),
        over_time("Encoding", "s", "A frame.", encoding),
    )


def _room(page: dashboard.Dashboard) -> None:
    room = newest("visavis_room_ratio", "lane", LANE)
    sessions = newest("visavis_sessions", "kind", LANE, how="sum")
    slots = newest("visavis_pool_slots", "memory, state", LANE, how="sum")
    ((way, transport),) = newest("visavis_transport", "transport, reason", LANE).items()
    add_row(
        page,
        "Room and frame pool",
        over_time("Room", "percentunit", "Free part of what the lane can do.", room, span=QUARTER),
        over_time("Sessions", "short", "Under way.", sessions, span=QUARTER, stacked=True),
        over_time("Slots", "short", "Of the frame pools, by state.", slots, span=QUARTER, stacked=True),
        states("Transport", "Where frames lie, and why not on a card.", f"{transport} > 0", way, span=QUARTER),
    )


def _nets(page: dashboard.Dashboard) -> None:
    calls = quantiles("visavis_inference_duration_seconds", "model, provider", LANE, (50, 99))
    batches = averages("visavis_inference_batch_size", "model", LANE)
    add_row(
        page,
        "Nets",
        over_time("Time of a call", "s", "By model and ONNX Runtime's provider.", calls, span=HALF),
        over_time("Batch", "short", "Pictures or crops a call, on average.", batches, span=HALF),
    )


def _card(page: dashboard.Dashboard) -> None:
    use = newest("visavis_card_use_ratio", "card", LANE)
    decoder = newest("visavis_card_decoder_use_ratio", "card", LANE)
    memory = newest("visavis_card_memory_used_bytes", "card", LANE)
    add_row(
        page,
        "Card",
        over_time("Use", "percentunit", "Part of the time in which a kernel ran.", use),
        over_time("Decoder", "percentunit", "Use of NVDEC.", decoder),
        over_time("Memory", "bytes", "In use, by all processes.", memory),
    )


def _processes(page: dashboard.Dashboard) -> None:
    cores = rates("process_cpu_time_seconds_total", "service, worker", LANE)
    memory = newest("process_memory_usage_bytes", "service, worker", LANE)
    threads = newest("process_thread_count", "service, worker", LANE)
    add_row(
        page,
        "Processes",
        over_time("Processor", "short", "Cores in use, without the decoders.", cores),
        over_time("Memory", "bytes", "Resident, with what is touched of the frame pool.", memory),
        over_time("Threads", "short", "Those of libraries too.", threads),
    )
