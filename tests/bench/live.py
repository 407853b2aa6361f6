"""Live streams through the whole service: delay, drops, overload, memory, and what cancelled streams leave."""

from __future__ import annotations

import asyncio
import random
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Any

import av
import psutil

from shared.model.live import LiveCodec, LiveInput
from shared.model.presets import PRESETS
from tests.bench.live_client import channel, settings, stream, stub
from tests.bench.live_stages import Coded, run
from visavis.stack import SERVICES
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from services.detect.finding import FaceFinder
    from tests.bench.live_client import Ran
    from visavis.stack import Stack

LOOK, RATE, CLOCK_HZ = "natural", 30.0, 90_000
LARGE, SMALL = (1280, 720), (640, 480)
ROUNDS, FRAMES = 4, 240
STEADY_SECONDS = 600
CANCELLED = 100
STEPS = (30, 45, 60, 75, 90, 120, 150)
"""Frames a second that are sent to find what fits, and the peak."""


def measure(stack: Stack, clip: Path, finder: FaceFinder, steady_seconds: float = STEADY_SECONDS) -> dict[str, Any]:
    """All of it. The delay is measured in turn with the stages alone."""
    large, small = (coded(clip, size, FRAMES) for size in (LARGE, SMALL))
    return {
        "delay": _delay(stack, large, finder),
        "two_streams": asyncio.run(_two(stack, small)),
        "overload": asyncio.run(_overload(stack, small)),
        "cancelled": asyncio.run(_cancelled(stack, small)),
        "memory": asyncio.run(_steady(stack, small, steady_seconds)),
    }


def coded(clip: Path, size: tuple[int, int], count: int) -> list[Coded]:
    """The clip as H.264 of low delay, forth and back until there are so many frames."""
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = *size, "yuv420p"
    context.time_base, context.framerate = Fraction(1, CLOCK_HZ), Fraction(30)
    context.options = {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "g": "60"}
    context.thread_count = 1
    with av.open(str(clip)) as file:
        frames = [frame.reformat(*size, "yuv420p") for frame in file.decode(video=0)][:count]
    packets = []
    for number in range(count):
        place = number % (2 * len(frames))
        frame = frames[min(place, 2 * len(frames) - 1 - place)]
        frame.pts, frame.time_base, frame.pict_type = number * CLOCK_HZ // 30, Fraction(1, CLOCK_HZ), 0
        packets += context.encode(frame)
    return [Coded(packet.pts, packet.is_keyframe, bytes(packet)) for packet in packets]


def _delay(stack: Stack, packets: Sequence[Coded], finder: FaceFinder) -> dict[str, Any]:
    asked = LiveInput(codec=LiveCodec.H264, width=LARGE[0], height=LARGE[1], rate=RATE)
    alone: list[float] = []
    doors: list[float] = []
    clients: list[float] = []
    rounds: list[dict[str, float]] = []
    hops: dict[str, list[tuple[float, float]]] = {}
    exact = True
    for turn in range(ROUNDS + 1):
        stages = run(packets, asked, PRESETS[LOOK], finder, RATE)[8:]
        ran = asyncio.run(_one(stack, packets, LARGE, RATE))
        exact = exact and ran.is_exact
        if turn:  # the first round warms caches
            ages = ran.ages_ms[8:]
            alone, doors, clients = [*alone, *stages], [*doors, *ages], [*clients, *ran.delays_ms[8:]]
            rounds.append({"p50": at(ages, 0.5) / at(stages, 0.5), "p99": at(ages, 0.99) / at(stages, 0.99)})
            for name, found in ran.hops.items():
                hops.setdefault(name, []).extend(found)
    return {
        "stages_ms": {"p50": at(alone, 0.5), "p99": at(alone, 0.99)},
        "delay_ms": {"p50": at(doors, 0.5), "p99": at(doors, 0.99)},
        "delay_at_the_client_ms": {"p50": at(clients, 0.5), "p99": at(clients, 0.99)},
        "ratio_p50": median(one["p50"] for one in rounds),
        "ratio_p99": median(one["p99"] for one in rounds),
        "hops_ms": {name: _hop(found) for name, found in hops.items()},
        "exact": exact,
    }


def _hop(found: Sequence[tuple[float, float]]) -> dict[str, float]:
    return {
        "waited_p50": at([waited for waited, _ in found], 0.5),
        "worked_p50": at([worked for _, worked in found], 0.5),
        "worked_p99": at([worked for _, worked in found], 0.99),
    }


async def _one(stack: Stack, packets: Sequence[Coded], size: tuple[int, int], rate: float, **wanted: Any) -> Ran:
    async with channel(stack.grpc) as to:
        return await stream(to, packets, rate, settings(size, RATE, LOOK, want_timings=True, **wanted))


async def _two(stack: Stack, packets: Sequence[Coded]) -> dict[str, Any]:
    both = await asyncio.gather(*[_one(stack, packets, SMALL, RATE) for _ in range(2)])
    return {
        "dropped": sum(ran.dropped for ran in both),
        "delay_ms": {"p50": at([d for ran in both for d in ran.delays_ms], 0.5)},
        "exact": all(ran.is_exact for ran in both),
    }


async def _overload(stack: Stack, packets: Sequence[Coded]) -> dict[str, Any]:
    """Frames a second that come back, over those that are sent; then five times what fits."""
    rates: dict[float, float] = {}
    fits, exact, dropped = STEPS[0], True, 0
    for step in STEPS:
        ran = await _one(stack, _longer(packets, step * 4), SMALL, step)
        exact = exact and ran.is_exact
        rates[step] = ran.delivered_per_second()
        dropped += ran.dropped
        fits = fits if dropped else step
    ran = await _one(stack, _longer(packets, fits * 5 * 5), SMALL, fits * 5)
    peak = max(rates.values())
    return {
        "sent_to_delivered_per_second": rates,
        "fits_per_second": fits,
        "delivered_at_five_times": ran.delivered_per_second(),
        "ratio_to_peak": ran.delivered_per_second() / peak,
        "age_ms": {"p50": at(ran.ages_ms, 0.5), "p99": at(ran.ages_ms, 0.99)},
        "exact": exact and ran.is_exact,
    }


async def _cancelled(stack: Stack, packets: Sequence[Coded]) -> dict[str, Any]:
    """Streams that are opened and cancelled at random moments, and what is left of them."""
    chance = random.Random(1)  # noqa: S311  -- no secret
    before = _held(stack)
    async with channel(stack.grpc) as to:
        for _ in range(CANCELLED):
            await _cancel_one(to, packets, chance.uniform(0.0, 0.6))
    await asyncio.sleep(8)  # longer than it takes to notice that nobody is there
    after = _held(stack)
    return {"before": before, "after": after}


async def _cancel_one(to: Any, packets: Sequence[Coded], seconds: float) -> None:
    async def messages() -> AsyncIterator[streams_pb2.ClientMessage]:
        yield streams_pb2.ClientMessage(settings=settings(SMALL, RATE, LOOK))
        for packet in packets:
            yield streams_pb2.ClientMessage(packet=streams_pb2.Packet(pts=packet.pts, key=packet.key, data=packet.body))
            await asyncio.sleep(1 / RATE)

    call = stub(to).Process(messages())
    await asyncio.sleep(seconds)
    call.cancel()


def _held(stack: Stack) -> dict[str, int]:
    """Open files and threads of each service, and its children."""
    held = {}
    for name in SERVICES:
        process = psutil.Process(stack.pid(name))
        held[f"{name}_files"] = process.num_fds()
        held[f"{name}_threads"] = process.num_threads()
        held[f"{name}_children"] = len(process.children(recursive=True))
    return held


async def _steady(stack: Stack, packets: Sequence[Coded], seconds: float) -> dict[str, Any]:
    """Resident megabytes of each service, after a minute of warming (or a tenth) and in the end."""
    running = asyncio.create_task(_one(stack, _longer(packets, int(RATE * seconds)), SMALL, RATE))
    await asyncio.sleep(min(60.0, seconds / 5))
    before = _resident(stack)
    ran = await running
    after = _resident(stack)
    growth = {name: round(after[name] - before[name], 1) for name in after}
    return {"before_mb": before, "growth_mb": growth, "dropped": ran.dropped, "exact": ran.is_exact}


def _resident(stack: Stack) -> dict[str, float]:
    return {name: psutil.Process(stack.pid(name)).memory_info().rss / 1e6 for name in SERVICES}


def _longer(packets: Sequence[Coded], count: int) -> list[Coded]:
    """The same again and again, at later times; every round begins with a key frame."""
    span = packets[-1].pts + CLOCK_HZ // 30
    return [
        Coded(packets[number % len(packets)].pts + number // len(packets) * span, *packets[number % len(packets)][1:])
        for number in range(count)
    ]


def at(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
