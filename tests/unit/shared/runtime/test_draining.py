from __future__ import annotations

import asyncio

import pytest

from shared.model.sessions import WorkerReported
from shared.runtime import draining, presence
from shared.runtime.draining import Draining, goes_on_without_us
from shared.runtime.presence import report
from shared.testing import MemoryBus


class Ingest:
    """One that says what the test wants; `service` may be another."""

    def __init__(self, bus: MemoryBus, service: str = "ingest", lane: str = "a") -> None:
        self.drains = False
        self._service, self._lane = service, lane
        self._reporting = asyncio.create_task(report(bus, self._say))

    def _say(self) -> WorkerReported:
        return WorkerReported(lane=self._lane, service=self._service, worker="1", room=1, draining=self.drains)

    def end(self) -> None:
        self._reporting.cancel()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says nothing for a fifth of a second is gone."""
    for module in (draining, presence):
        monkeypatch.setattr(module, "EVERY_SECONDS", 0.02)
        monkeypatch.setattr(module, "GONE_AFTER_SECONDS", 0.2)


async def test_who_waits_is_woken_by_the_first_word() -> None:
    told = Draining()
    waiting = asyncio.create_task(told.wanted())
    await asyncio.sleep(0)
    assert (told.is_wanted, waiting.done()) == (False, False)
    told.begin()
    await waiting
    assert told.is_wanted


async def test_a_worker_without_an_ingest_may_end() -> None:
    bus = MemoryBus()
    worker = Ingest(bus, "detect")
    assert not await goes_on_without_us(bus, "a")
    worker.end()


async def test_while_nothing_is_heard_even_of_the_worker_nobody_is_taken_for_gone() -> None:
    bus = MemoryBus()
    waiting = asyncio.create_task(goes_on_without_us(bus, "a"))
    done, _ = await asyncio.wait((waiting,), timeout=0.6)
    assert not done
    worker = Ingest(bus, "render")
    assert not await waiting
    worker.end()


async def test_a_lane_that_goes_on_does_so_without_the_worker() -> None:
    bus = MemoryBus()
    ingest, worker = Ingest(bus), Ingest(bus, "render")
    assert await goes_on_without_us(bus, "a")
    ingest.end()
    worker.end()


async def test_another_lanes_ingest_is_none() -> None:
    bus = MemoryBus()
    ingest, worker = Ingest(bus), Ingest(bus, "detect", "b")
    assert not await goes_on_without_us(bus, "b")
    ingest.end()
    worker.end()


async def test_while_ingest_drains_the_worker_stays_until_it_is_gone() -> None:
    bus = MemoryBus()
    ingest, worker = Ingest(bus), Ingest(bus, "detect")
    ingest.drains = True
    waiting = asyncio.create_task(goes_on_without_us(bus, "a"))
    done, _ = await asyncio.wait((waiting,), timeout=0.6)
    assert not done
    ingest.end()
    assert not await waiting
    worker.end()
