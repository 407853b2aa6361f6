from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from services.gateway import measuring
from services.gateway.measuring import FrameMeasures
from shared.model.sessions import WorkerReported
from shared.runtime.presence import Presence
from shared.testing import MemoryBus
from tests.scrapes import samples, value

if TYPE_CHECKING:
    from shared.runtime.metrics import Metrics


@pytest.fixture
def presence() -> Presence:
    """One lane is whole, of the other detect is missing."""
    found = Presence()
    for lane, service in (("a", "ingest"), ("a", "detect"), ("a", "render"), ("b", "ingest"), ("b", "render")):
        found.note(WorkerReported(lane=lane, service=service, worker="1", room=1))
    return found


async def test_lanes_queues_and_dead_letters_are_shown(metrics: Metrics, presence: Presence) -> None:
    bus = MemoryBus()
    for subject in ("dead.jobs.segment.j.1", "jobs.segment.j.2", "jobs.plan.j", "jobs.plan.k"):
        await bus.publish(subject, b"")
    await measuring.look(bus, metrics, presence)
    lanes = {one.labels["state"]: one.value for one in samples(metrics, "visavis_lanes")}
    queues = {one.labels["queue"]: one.value for one in samples(metrics, "visavis_queue_messages")}
    assert lanes == {"known": 2, "warm": 1}
    assert queues == {"plans": 2, "segments": 1, "callbacks": 0}
    assert value(metrics, "visavis_dead_letters") == 1


async def test_while_the_bus_is_away_only_lanes_are_shown(metrics: Metrics, presence: Presence) -> None:
    bus = MemoryBus()
    await measuring.look(bus, metrics, presence)
    bus.down = True
    await measuring.look(bus, metrics, presence)
    assert not samples(metrics, "visavis_dead_letters")
    assert not samples(metrics, "visavis_queue_lag")
    assert value(metrics, "visavis_lanes", state="warm") == 1


def test_a_frame_that_was_late_is_beyond_its_budget(metrics: Metrics) -> None:
    measures = FrameMeasures(metrics, "live")
    measures.delivered(time.time_ns(), 60_000)
    measures.delivered(time.time_ns() - 2_000_000_000, 1000)
    measures.settled("dropped", 3, "detect", "late")
    within = value(metrics, "visavis_delivery_budget_ratio_bucket", le="1.0")
    assert (within, value(metrics, "visavis_delivery_budget_ratio_count")) == (1, 2)
    assert value(metrics, "visavis_frames_total", kind="live", outcome="dropped", reason="late", where="detect") == 3
