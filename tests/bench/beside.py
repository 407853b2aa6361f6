"""A live stream alone and beside jobs in the same lane, in turn: what comes back, how old, and what jobs get done."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench.live import at, coded
from tests.bench.live_client import channel, settings, stream
from tests.bench.throughput import through_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.live_client import Ran
    from visavis.client import Client
    from visavis.stack import Stack

SIZE, RATE, LOOK = (640, 360), 30.0, "natural"
ROUNDS, FRAMES, JOBS = 4, 300, 2
SETTLED = 30
"""Frames of a stream that do not count: caches are cold, and jobs that hold much give it back."""


class Work:
    """Jobs one after the other, as many at a time as a lane works on."""

    def __init__(self, client: Client, clip: Path, look_json: str) -> None:
        self._client, self._clip, self._look = client, clip, look_json
        self._over = threading.Event()
        self.frames, self.seconds = 0, 0.0

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Jobs are there within the context; it is left when the last of them are done."""
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

    @property
    def per_second(self) -> float:
        """Frames a second of a lane with jobs, of all rounds."""
        return JOBS * self.frames / self.seconds if self.seconds else 0.0

    def _go(self) -> None:
        while not self._over.is_set():
            started = time.perf_counter()
            self.frames += through_services(self._client, self._clip, self._look)
            self.seconds += time.perf_counter() - started


def measure(stack: Stack, client: Client, clip: Path, look_json: str) -> dict[str, Any]:
    """Each way in each round; the first round warms caches."""
    packets = coded(clip, SIZE, FRAMES)
    ways: dict[str, list[Ran]] = {"alone": [], "beside_jobs": []}
    alone, beside = Work(client, clip, look_json), Work(client, clip, look_json)
    for turn in range(ROUNDS + 1):
        for name, found in ways.items():
            if name == "alone":
                ran = asyncio.run(_one(stack, packets))
            else:
                with beside.going_on():
                    ran = asyncio.run(_one(stack, packets))
            if turn:
                found.append(ran)
        with alone.going_on():
            time.sleep(FRAMES / RATE)
    return {
        **{name: _figures(found) for name, found in ways.items()},
        "jobs_per_second": {"alone": alone.per_second, "beside": beside.per_second},
    }


async def _one(stack: Stack, packets: list[Any]) -> Ran:
    async with channel(stack.grpc) as to:
        return await stream(to, packets, RATE, settings(SIZE, RATE, LOOK, want_timings=True))


def _figures(runs: list[Ran]) -> dict[str, Any]:
    taken = [ran for ran in runs if not ran.refused]
    ages = [age for ran in taken for age in _settled(ran)] or [0.0]
    drops: dict[str, int] = {}
    for ran in taken:
        for one in ran.account.dropped:
            drops[f"{one.place} {one.reason}"] = drops.get(f"{one.place} {one.reason}", 0) + one.count
    hops: dict[str, list[tuple[float, float]]] = {}
    for ran in taken:
        for name, values in ran.hops.items():
            hops.setdefault(name, []).extend(values)
    return {
        "delivered_per_second": median(ran.delivered_per_second() for ran in taken) if taken else 0.0,
        "delivered": sum(len(ran.came) for ran in taken),
        "dropped": sum(ran.dropped for ran in taken),
        "drops": drops,
        "refused": len(runs) - len(taken),
        "age_ms": {"p50": at(ages, 0.5), "p99": at(ages, 0.99), "most": max(ages)},
        "hops_p50_ms": {
            name: {"waited": at([w for w, _ in v], 0.5), "worked": at([w for _, w in v], 0.5)}
            for name, v in hops.items()
        },
        "exact": all(ran.is_exact for ran in taken),
    }


def _settled(ran: Ran) -> list[float]:
    """Ages of the frames that count."""
    first = sorted(ran.sent)[SETTLED]
    return [age for pts, age in zip(ran.came, ran.ages_ms, strict=True) if pts >= first]
