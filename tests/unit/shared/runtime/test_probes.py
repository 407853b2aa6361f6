from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from shared.model.errors import Misconfigured
from shared.runtime.probes import STARTING, probed
from shared.runtime.settings import LaneSettings
from tests.scrapes import OPEN_METRICS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.runtime.probes import Probes

FREE_PORT = LaneSettings(lane="test", worker="7", metrics_port=-1)


@pytest.fixture
async def probes() -> AsyncIterator[Probes]:
    async with probed("detect", FREE_PORT) as probes:
        yield probes
    probes.metrics.close()


@pytest.fixture
async def client(probes: Probes) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=probes.url, trust_env=False, timeout=30) as client:
        yield client


async def test_it_is_not_ready_until_it_is_warm_and_has_room(probes: Probes, client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, f"{STARTING}\n")
    probes.why_not_ready = str
    assert (await client.get("/readyz")).status_code == 200
    probes.why_not_ready = lambda: "It is full."
    assert (await client.get("/readyz")).text == "It is full.\n"


async def test_metrics_are_given_as_they_are_asked_for(client: httpx.AsyncClient) -> None:
    plain = await client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    assert 'process_memory_usage_bytes{lane="test",service="detect",worker="7"}' in plain.text
    asked = await client.get("/metrics", headers={"Accept": OPEN_METRICS})
    assert asked.headers["content-type"].startswith("application/openmetrics-text")


async def test_nothing_else_is_there(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 404
    assert (await client.post("/livez")).status_code == 404
    answer = await client.head("/livez")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_while_the_loop_is_stuck_there_is_no_answer(probes: Probes) -> None:
    answered: list[int] = []
    asked = threading.Event()

    def ask() -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            asked.set()
            answered.append(client.get(f"{probes.url}/livez").status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    asked.wait()
    time.sleep(0.3)  # noqa: ASYNC251  -- that the loop is stuck is the point
    assert not answered
    while thread.is_alive():  # noqa: ASYNC110  -- a thread wakes nobody
        await asyncio.sleep(0.01)
    assert answered == [200]


async def test_without_a_port_nothing_is_served_and_all_is_measured() -> None:
    async with probed("detect", LaneSettings()) as probes:
        assert not probes.url
        assert b"process_memory_usage_bytes" in probes.metrics.exposition()[0]
    probes.metrics.close()


async def test_a_port_that_is_taken_is_said(probes: Probes) -> None:
    taken = FREE_PORT.model_copy(update={"metrics_port": int(probes.url.rpartition(":")[2])})
    with pytest.raises(Misconfigured, match="VISAVIS_METRICS_PORT"):
        async with probed("detect", taken):
            pass
