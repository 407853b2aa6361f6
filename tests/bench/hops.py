"""One hop by reference, publish to handler, against a raw JetStream hop, in turn."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import nats
from nats.js import api

from shared.model.frames import CapturedFrame, FacesDetected, FrameReference, FramesCaptured
from shared.runtime.stage import Passage, Stage
from shared.runtime.telemetry import Telemetry
from shared.transport import wire
from shared.transport.nats_bus import NatsBus
from shared.transport.topology import detect_queue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.runtime.settings import ServiceSettings

PAUSE_SECONDS = 0.002
MESSAGES = 300
ROUNDS = 7
LANE = "bench"


async def measure(url: str, settings: ServiceSettings) -> dict[str, Any]:
    """p50 of each in milliseconds, median over interleaved rounds, and their ratio."""
    raw, ours = await _raw(url), await _ours(url, settings)
    figures: dict[str, list[float]] = {"raw": [], "stage": []}
    for turn in range(ROUNDS + 1):
        for name, hop in (("raw", raw), ("stage", ours)):
            times = await hop()
            if turn:
                figures[name].append(median(times))
    medians = {name: median(found) for name, found in figures.items()}
    return {"p50_ms": figures, "median_ms": medians, "ratio": medians["stage"] / medians["raw"]}


async def stage_hop(url: str, settings: ServiceSettings) -> float:
    """p50 in milliseconds through the loop of all services alone, after one round that warms it."""
    hop = await _ours(url, settings)
    await hop()
    return median(await hop())


async def _raw(url: str) -> Callable[[], Awaitable[list[float]]]:
    """nats-py alone: publish with acknowledgement, a push consumer, acknowledge."""
    sender, receiver = await nats.connect(url), await nats.connect(url)
    stream = sender.jetstream()
    await stream.add_stream(
        name="BENCH", subjects=["bench.raw"], storage=api.StorageType.MEMORY, retention=api.RetentionPolicy.WORK_QUEUE
    )
    times: list[float] = []

    async def handle(message: nats.aio.msg.Msg) -> None:
        times.append((time.perf_counter_ns() - int(message.data[:20])) / 1e6)
        await message.ack()

    await receiver.jetstream().subscribe("bench.raw", durable="raw", cb=handle, manual_ack=True)

    async def hop() -> list[float]:
        times.clear()
        for _ in range(MESSAGES):
            await stream.publish("bench.raw", b"%020d" % time.perf_counter_ns())
            await asyncio.sleep(PAUSE_SECONDS)
        return list(times)

    return hop


async def _ours(url: str, settings: ServiceSettings) -> Callable[[], Awaitable[list[float]]]:
    """FramesCaptured through the loop of all services, traced."""
    sender, receiver = await NatsBus.connect(url, "sender"), await NatsBus.connect(url, "receiver")
    telemetry = Telemetry("bench", settings, lambda _: None)
    times: list[float] = []

    async def work(passage: Passage[FramesCaptured]) -> list[FacesDetected]:
        sent = passage.message.frames[0].pts
        times.append((time.perf_counter_ns() - sent) / 1e6)
        return []

    stage = Stage(receiver, telemetry, detect_queue(LANE), FramesCaptured, work)
    running = asyncio.create_task(stage.run())
    await asyncio.sleep(0.5)

    async def hop() -> list[float]:
        if running.done():
            running.result()
        times.clear()
        with telemetry.span("bench"):
            for _ in range(MESSAGES):
                frame = CapturedFrame(FrameReference(1, 1, 1), 0, time.perf_counter_ns())
                message = FramesCaptured(lane=LANE, session="bench", worker="bench", frames=(frame,))
                await sender.publish(message.subject, wire.encode(message), telemetry.headers())
                await asyncio.sleep(PAUSE_SECONDS)
        return list(times)

    return hop
