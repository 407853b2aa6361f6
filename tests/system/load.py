"""Everything that a service does, at once and for a while: pictures, jobs, live streams, and mistakes of callers."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING

import httpx

from tests.system.live_clips import CLOCK_HZ, coded
from visavis.client import Client, ProblemError
from visavis.live import LiveStream
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.system.live_clips import Coded
    from visavis.stack import Stack

RATE = 10
DELAYS_MS = (1000, 20)
"""`max_delay_ms` of two streams: of the second one frames are dropped on any machine."""


def under_load(stack: Stack, portrait: bytes, clip: Path, seconds: float, delays_ms: Sequence[int] = DELAYS_MS) -> None:
    """Return when all of it is over. Each kind goes on until the time is over, and happens once at least.

    delays_ms: a stream for each.
    """
    end = time.monotonic() + seconds
    packets = coded(portrait, 60)
    works = [
        lambda: _pictures(stack, portrait, end),
        lambda: _jobs(stack, clip, end),
        *(lambda delay=one: asyncio.run(_stream(stack, packets, delay, end)) for one in delays_ms),
    ]
    with ThreadPoolExecutor(len(works)) as pool:
        for running in [pool.submit(work) for work in works]:
            running.result()


def _pictures(stack: Stack, portrait: bytes, end: float) -> None:
    with Client(stack.rest) as client:
        while True:
            client.process_image(portrait)
            with suppress(ProblemError):
                client.process_image(portrait[:500])
            httpx.get(f"{stack.rest}/nowhere", trust_env=False)
            if time.monotonic() > end:
                return
            time.sleep(0.5)


def _jobs(stack: Stack, clip: Path, end: float) -> None:
    with Client(stack.rest) as client:
        while True:
            job = client.submit_job(clip, look="natural", want="picture")
            for newer in client.events(job["id"]):
                job = newer
            assert job["state"] == "done", job
            if time.monotonic() > end:
                return


async def _stream(stack: Stack, packets: Sequence[Coded], delay_ms: int, end: float) -> None:
    asked = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=640, height=360, rate=RATE, clock_hz=CLOCK_HZ)
    settings = streams_pb2.StreamSettings(input=asked, look_name="natural", max_delay_ms=delay_ms)
    async with LiveStream(stack.grpc, settings) as stream:
        taking = asyncio.create_task(_taken(stream))
        for number, packet in enumerate(cycle(packets)):
            await stream.send(number * CLOCK_HZ // RATE, packet.data, key=packet.key)
            await asyncio.sleep(1 / RATE)
            if time.monotonic() > end and number >= 2 * RATE:
                break
        await stream.end()
        await taking


async def _taken(stream: LiveStream) -> None:
    async for _ in stream:
        pass
