"""How many streams of 1080p30 a card decodes: decoders beside each other, alone and as the lane has them.

    python -m tests.gpu.bench_decode

prints JSON objects, each over those before. `alone` is a decoder in a thread each, whose frames stay where they are;
`lane` is the lane's way: a child each that reads the file, one card decoder, frames copied into slots, every frame told
and its slot given back. Both decode the same file, as fast as they can.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import numpy as np

from services.ingest.cuda.decoders import CardDecoders
from services.ingest.cuda.nvdec import Nvdec, capabilities
from services.ingest.decoders.making import Decoders, ReadVideo
from services.ingest.limits import IngestLimits
from services.ingest.videos.coded import CodedVideo
from services.ingest.videos.file import VideoFile
from shared.cuda.card import Card, bus_address
from shared.memory.card_memory import CudaMemory
from shared.memory.card_pool import CardPool
from shared.memory.host import HostPool
from shared.memory.layout import SlotClass
from shared.runtime.settings import card_environment
from tests.gpu.figures import told
from tests.gpu.machine import Machine
from tests.gpu.threads import all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

WIDTH, HEIGHT, FRAMES = 1920, 1080, 300
COUNTS = (1, 2, 4, 8, 16)
SLOTS_EACH = 6
LIVE_RATE = 30
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2
IN_A_ROW = 3
"""Passes over the clip of each decoder that is measured alone."""
OPEN_SECONDS, DECODE_SECONDS = 90.0, 90.0
"""So long all decoders may take until they are open, and to decode."""
Gates = tuple[asyncio.Event, asyncio.Barrier]


def measure() -> dict[str, Any]:
    """Figures: frames a second by number of streams, and what a process and a decoder cost."""
    with tempfile.TemporaryDirectory() as folder:
        clip = made(Path(folder) / "clip.mp4")
        ranges, engines = capabilities(0)
        figures: dict[str, Any] = {"engines": engines, "codecs": ", ".join(one.codec for one in ranges)}
        figures["clip"] = (
            f"H.264 {WIDTH}x{HEIGHT}, {clip.stat().st_size * 8 * LIVE_RATE // FRAMES // 1000} kbit/s at 30/s"
        )
        figures = told(figures | costs(clip))  # while this process has nothing on the card
        for count in COUNTS:
            figures |= told({f"alone, {count}: frames/s": round(alone(clip, count))})
        for count in COUNTS:
            figures |= told({f"lane, {count}: frames/s": round(asyncio.run(lane(clip, Path(folder), count)))})
        best = max(value for name, value in figures.items() if name.startswith("alone,"))
        figures["streams of 1080p30, decoded alone"] = best // LIVE_RATE
        best = max(value for name, value in figures.items() if name.startswith("lane,"))
        figures["streams of 1080p30, by the lane"] = best // LIVE_RATE
        return figures


def made(path: Path) -> Path:
    """Ten seconds with noise that moves, B-frames, a key frame every two seconds."""
    noise = np.random.default_rng(5).integers(0, 60, (HEIGHT + 64, WIDTH + 64), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=LIVE_RATE, options={"preset": "veryfast", "g": "60", "b": "8M"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, LIVE_RATE)
        for index in range(FRAMES):
            at = (index * 3) % 64
            gray = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            gray[:HEIGHT] = 80 + noise[at : at + HEIGHT, at : at + WIDTH]
            frame = av.VideoFrame.from_ndarray(gray, "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def packets_of(clip: Path) -> tuple[str, list[bytes]]:
    """The codec and the packets, ready to be decoded."""
    with VideoFile(clip, IngestLimits(), keep=True) as video:
        coded = CodedVideo(video)
        return coded.stream.codec, [packet.body for packet in coded.packets()]


def alone(clip: Path, count: int) -> float:
    """Frames a second of so many decoders in threads of this process, from the first packet to the last frame."""
    codec, bodies = packets_of(clip)
    ready = threading.Barrier(count, timeout=OPEN_SECONDS)
    runs = all_of([partial(decoded, codec, bodies, ready)] * count, OPEN_SECONDS + DECODE_SECONDS)
    return sum(run.frames for run in runs) / (max(run.ended for run in runs) - min(run.begun for run in runs))


class Decoding(NamedTuple):
    """What one decoder did, and when."""

    frames: int
    begun: float
    ended: float


def decoded(codec: str, bodies: list[bytes], ready: threading.Barrier) -> Decoding:
    """By one decoder; it stands at the barrier when its first packet is decoded."""
    card = Card()
    decoder = Nvdec(card, codec)
    decoder.decode(bodies[0], 0, None)
    ready.wait()
    begun = time.perf_counter()
    count, numbers = 0, itertools.count(1)
    for _ in range(IN_A_ROW):
        count += sum(len(decoder.decode(body, next(numbers), None)) for body in bodies)
        count += len(decoder.flush())
    card.synchronize()
    ended = time.perf_counter()
    decoder.close()
    return Decoding(count, begun, ended)


async def lane(clip: Path, folder: Path, count: int) -> float:
    """Frames a second of so many videos that go the lane's way, from when all are open."""
    host = HostPool.create(folder / f"host-{count}", (SlotClass(1, 4096),))
    path = folder / f"card-{count}"
    pool = CardPool.create(path, (SlotClass(count * SLOTS_EACH, FRAME_BYTES),), CudaMemory())
    readers, card = Decoders(host.fd, IngestLimits(), 0), CardDecoders(path, 0, IngestLimits(), card_environment())
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await readers.start()
            await card.start()
        return await side_by_side(count, lambda gates: one(clip, readers, card, pool, gates))
    finally:
        async with asyncio.timeout(OPEN_SECONDS):
            await card.close()
            await readers.close()
        pool.close()
        host.close()


async def side_by_side(count: int, run: Callable[[Gates], Coroutine[Any, Any, int]]) -> float:
    """Frames a second of so many runs, each of which stands at the barrier when it is open, and then waits for the
    event. The first that fails ends all."""
    gates = begin, all_open = asyncio.Event(), asyncio.Barrier(count + 1)
    async with asyncio.timeout(OPEN_SECONDS + DECODE_SECONDS), asyncio.TaskGroup() as group:
        runs = [group.create_task(run(gates)) for _ in range(count)]
        await all_open.wait()
        started = time.perf_counter()
        begin.set()
        frames = sum([await one for one in runs])
        return frames / (time.perf_counter() - started)


async def one(clip: Path, readers: Decoders, card: CardDecoders, pool: CardPool, gates: Gates) -> int:
    """How many frames came of one video; a slot is granted again as soon as it is written."""
    begin, all_open = gates
    task = ReadVideo(str(clip), card=True)
    async with readers.decode(task) as reading:
        facts = await reading.opened()
        async with card.decode(reading, facts, task, pool.size_bytes) as decoding:
            slots = [slot for _ in range(SLOTS_EACH) if (slot := pool.lease(FRAME_BYTES, "bench")) is not None]
            await all_open.wait()
            await begin.wait()
            for slot in slots:
                decoding.grant(slot, *pool.extent(slot))
            count = 0
            async for frame in decoding.frames():
                count += 1
                decoding.grant(frame.slot, *pool.extent(frame.slot))
    for slot in slots:
        pool.abandon(slot)
    return count


def costs(clip: Path) -> dict[str, Any]:
    """What decision 0048 rests on: a process with a CUDA context and a decoder, and one decoder more in it."""
    command = [sys.executable, "-m", "tests.gpu.bench_decode", "cost", str(clip), bus_address()]
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=OPEN_SECONDS)
    figures: dict[str, Any] = json.loads(child.stdout.strip().splitlines()[-1])
    return figures


def cost(clip: Path, at_bus: str) -> dict[str, Any]:
    """In a fresh process: seconds and MiB of the card's memory until the first frame, and for the next decoders.

    at_bus: the card's address, so that it is seen from outside of this process's CUDA context.
    """
    codec, bodies = packets_of(clip)
    machine = Machine(at_bus)
    started, used = time.perf_counter(), machine.used_mib()
    cards, decoders = [], []
    figures: dict[str, Any] = {}
    for number in range(9):
        began = time.perf_counter()
        card = Card()
        decoder = Nvdec(card, codec)
        at = 0
        while not decoder.decode(bodies[at], at, None):
            at += 1
        card.synchronize()
        cards.append(card)
        decoders.append(decoder)
        if number == 0:
            figures["first decoder of a process: s"] = round(time.perf_counter() - started, 3)
            figures["first decoder of a process: MiB"] = (after := machine.used_mib()) - used
            used = after
        elif number == 1:
            figures["second decoder: s"] = round(time.perf_counter() - began, 3)
    figures["each further decoder: MiB"] = round((machine.used_mib() - used) / 8)
    return figures


if __name__ == "__main__":
    print(json.dumps(cost(Path(sys.argv[2]), sys.argv[3]) if sys.argv[1:2] == ["cost"] else measure()))
