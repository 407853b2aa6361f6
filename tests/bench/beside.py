"""A live stream alone and beside jobs in the same lane, in turn: what comes back, how old, and what jobs get done."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Any

import av

from tests.bench.live import at, coded
from tests.bench.live_client import channel, settings, stream
from tests.bench.throughput import through_services

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.bench.live_client import Ran
    from tests.bench.live_stages import Coded
    from visavis.client import Client
    from visavis.stack import Stack

SIZE, RATE, LOOK = (640, 360), 30.0, "natural"
ROUNDS, FRAMES = 6, 240
JOBS, JOB_FRAMES, JOB_LOOK = 2, 50, "natural"
"""As many at a time as a lane works on; short, so that they end soon after the stream."""
SETTLED = 30
"""Frames of a stream whose age does not count: jobs that hold much give it back."""


class Jobs:
    """JOBS jobs at a time, one after the other."""

    def __init__(self, client: Client, clip: Path) -> None:
        self._client, self._clip = client, clip
        self._over = threading.Event()
        self._spans: list[tuple[int, float]] = []
        """Frames and seconds of each job."""

    @property
    def per_second(self) -> float:
        """Frames a second that all of them together got done."""
        return JOBS * sum(frames for frames, _ in self._spans) / sum(seconds for _, seconds in self._spans)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """They are there within the context, which is left when the last of them are done."""
        self._over.clear()
        with ThreadPoolExecutor(JOBS) as threads:
            running = [threads.submit(self._go) for _ in range(JOBS)]
            time.sleep(1.0)
            try:
                yield
            finally:
                self._over.set()
        for one in running:
            one.result()

    def _go(self) -> None:
        while not self._over.is_set():
            started = time.perf_counter()
            frames = through_services(self._client, self._clip, JOB_LOOK)
            self._spans.append((frames, time.perf_counter() - started))


def measure(stack: Stack, client: Client, clip: Path, folder: Path) -> dict[str, Any]:
    """A stream alone, a stream beside jobs, jobs alone, in each round; the first round warms caches."""
    packets, short = coded(clip, SIZE, FRAMES), shortened(clip, folder / "short.mp4")
    runs: dict[str, list[Ran]] = {"alone": [], "beside_jobs": []}
    jobs = {"alone": Jobs(client, short), "beside_live": Jobs(client, short)}
    for turn in range(ROUNDS + 1):
        alone = asyncio.run(_one(stack, packets))
        with jobs["beside_live"].going_on():
            beside = asyncio.run(_one(stack, packets))
        with jobs["alone"].going_on():
            time.sleep(FRAMES / RATE)
        if turn:
            runs["alone"].append(alone)
            runs["beside_jobs"].append(beside)
    return {
        **{name: figures(found) for name, found in runs.items()},
        "jobs_frames_per_second": {name: found.per_second for name, found in jobs.items()},
        "load_of_the_machine": os.getloadavg()[0],
    }


def shortened(clip: Path, target: Path) -> Path:
    """The first JOB_FRAMES frames."""
    with av.open(str(clip)) as read, av.open(str(target), "w") as written:
        video = read.streams.video[0]
        encoded = written.add_stream("libx264", rate=25)
        encoded.width, encoded.height, encoded.pix_fmt = video.width, video.height, "yuv420p"
        for number, frame in enumerate(read.decode(video)):
            if number == JOB_FRAMES:
                break
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, 25), 0
            written.mux(encoded.encode(frame))
        written.mux(encoded.encode(None))
    return target


async def _one(stack: Stack, packets: Sequence[Coded]) -> Ran:
    async with channel(stack.grpc) as to:
        return await stream(to, packets, RATE, settings(SIZE, RATE, LOOK, want_timings=True))


def figures(runs: Sequence[Ran]) -> dict[str, Any]:
    """What came of some runs of a stream."""
    taken = [ran for ran in runs if not ran.refused]
    ages = [age for ran in taken for age in _settled(ran)]
    hops: dict[str, list[tuple[float, float]]] = {}
    for ran in taken:
        for name, found in ran.hops.items():
            hops.setdefault(name, []).extend(found)
    return {
        "sent": sum(len(ran.sent) for ran in taken),
        "delivered": sum(len(ran.came) for ran in taken),
        "dropped": _drops(taken),
        "delivered_per_second": median(ran.delivered_per_second() for ran in taken) if taken else 0.0,
        "refused": len(runs) - len(taken),
        "age_ms": {"p50": at(ages, 0.5), "p99": at(ages, 0.99)} if ages else {},
        "hops_p50_ms": {
            name: {"waited": at([w for w, _ in found], 0.5), "worked": at([w for _, w in found], 0.5)}
            for name, found in hops.items()
        },
        "exact": all(ran.is_exact for ran in taken),
    }


def _drops(runs: Sequence[Ran]) -> dict[str, int]:
    drops: dict[str, int] = {}
    for ran in runs:
        for one in ran.account.dropped:
            name = f"{one.reason} in {one.place}"
            drops[name] = drops.get(name, 0) + one.count
    return drops


def _settled(ran: Ran) -> list[float]:
    """Ages of the frames that count."""
    first = sorted(ran.sent)[SETTLED]
    return [age for pts, age in zip(ran.came, ran.ages_ms, strict=True) if pts >= first]
