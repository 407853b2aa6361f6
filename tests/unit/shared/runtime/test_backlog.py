from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.runtime import backlog
from shared.testing import MemoryBus
from shared.transport.topology import render_queue, segment_queue
from tests.scrapes import samples, value

if TYPE_CHECKING:
    import pytest

    from shared.runtime.metrics import Metrics

SEGMENTS = replace(segment_queue(), ack_wait_seconds=600)
QUEUES = {"segments": [SEGMENTS], "render": [render_queue("a", "1"), render_queue("a", "2")]}


async def test_what_waits_and_what_is_worked_on_are_told_by_queue(metrics: Metrics) -> None:
    bus = MemoryBus()
    for number in range(3):
        await bus.publish(f"jobs.segment.j.{number}", b"")
    await bus.publish("lane.a.render.1", b"")
    await bus.publish("lane.a.render.2", b"")
    async with bus.consume(SEGMENTS) as messages:
        await anext(messages)
        await backlog.look(bus, metrics, QUEUES)
    found = {
        name: [value(metrics, f"visavis_queue_{what}", queue=name) for what in ("messages", "lag")] for name in QUEUES
    }
    assert found == {"segments": [3, 2], "render": [2, 2]}


async def test_while_the_bus_is_away_nothing_is_told(metrics: Metrics) -> None:
    bus = MemoryBus()
    await backlog.look(bus, metrics, QUEUES)
    assert len(samples(metrics, "visavis_queue_lag")) == 2
    bus.down = True
    await backlog.look(bus, metrics, QUEUES)
    assert not samples(metrics, "visavis_queue_lag")


async def test_it_is_looked_at_again_and_again(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LOOK_SECONDS", 0.01)
    bus = MemoryBus()
    following = asyncio.create_task(backlog.follow(bus, metrics, lambda: QUEUES))
    await bus.publish("jobs.segment.j.1", b"")
    async with asyncio.timeout(30):
        for lag in (1, 2):
            while value(metrics, "visavis_queue_lag", queue="segments") != lag:  # noqa: ASYNC110  -- looked at beside
                await asyncio.sleep(0.01)
            await bus.publish("jobs.segment.j.2", b"")
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
