"""What an autoscaler reads of a real NATS server: as many segments as wait or are worked on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import binary
from shared.transport.topology import JOBS, segment_queue
from tests import ending
from tests.bench.autoscaling import QUERY, lag_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = PATIENCE_SECONDS = 30.0


@contextmanager
def nats(folder: Path) -> Iterator[tuple[str, str]]:
    """A server with its monitoring: where clients connect to it, and where it is asked."""
    ports = folder / "ports"
    ports.mkdir()
    command = [
        str(binary()), "--addr", "127.0.0.1", "--port", "-1", "--http_port", "-1", "--jetstream",
        "--store_dir", str(folder), "--ports_file_dir", str(ports), "--log", str(folder / "log"),
    ]  # fmt: skip
    with subprocess.Popen(command) as server:
        try:
            end = time.monotonic() + START_SECONDS
            while not (found := [text for file in ports.iterdir() if (text := file.read_text())]):
                assert server.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, "the server has not started"
                time.sleep(0.02)
            told = json.loads(found[0])
            yield told["nats"][0], told["monitoring"][0]
        finally:
            ending.end(server, PATIENCE_SECONDS)


async def lag(monitor: str) -> int:
    """By KEDA's own question."""
    queue = segment_queue()
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer: dict[str, Any] = (await client.get(monitor + QUERY.format(account="$G"))).json()
    return lag_of(answer, "$G", queue.stream, queue.name)


async def until_lag(monitor: str, wanted: int) -> None:
    """An acknowledgement has no answer: it is there in a moment."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await lag(monitor) != wanted:  # noqa: ASYNC110  -- of another process
            await asyncio.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, str]]:
    with nats(tmp_path) as found:
        yield found


async def test_segments_count_from_their_publishing_to_their_acknowledgement(server: tuple[str, str]) -> None:
    url, monitor = server
    bus = await NatsBus.connect(url, "test")
    try:
        assert await lag(monitor) == 0, "no ingest was ever here"
        await bus.publish("jobs.plan.a", b"")
        assert await lag(monitor) == 1, "so that the first job calls the first lane"
        async with bus.consume(segment_queue()) as segments:
            assert await lag(monitor) == 0
            for number in range(5):
                await bus.publish(f"jobs.segment.a.{number}", b"")
            assert await lag(monitor) == 5
            taken = [await anext(segments) for _ in range(2)]
            assert await lag(monitor) == 5, "those that are worked on count"
            for one in taken:
                await one.done()
        await until_lag(monitor, 3)
    finally:
        await bus.close()
    assert await lag(monitor) == 3, "with no lane left they call the next"


async def test_a_segment_that_is_handed_back_goes_on_counting(server: tuple[str, str]) -> None:
    url, monitor = server
    bus = await NatsBus.connect(url, "test")
    try:
        async with bus.consume(segment_queue()) as segments:
            await bus.publish("jobs.segment.a.0", b"")
            taken = await anext(segments)
            await bus.publish(taken.subject, taken.body)
            await taken.done()
        await until_lag(monitor, 1)
        assert await bus.waiting("jobs.segment.a.*") == {"jobs.segment.a.0"}
        assert JOBS.name == segment_queue().stream
    finally:
        await bus.close()
