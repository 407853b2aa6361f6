"""What it costs to be seen: throughput with all metrics and sampled traces, and pictures while a collector is away.

`OTEL_SDK_DISABLED` is OpenTelemetry's own switch: nothing is traced, and meters measure nothing.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import psutil

from tests.bench.stills import PAUSE_SECONDS, WARM_UPS, post
from tests.bench.throughput import through_services
from tests.ports import free_ports
from tests.scrapes import scraped
from tests.web import Desk, open_desk
from visavis.client import Client
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAIRS, PICTURES = 8, 400
SCRAPE_SECONDS = 5.0
"""Three times as often as Prometheus usually asks."""
UNSEEN = {"OTEL_SDK_DISABLED": "true"}
EXPORT_OFTEN = {"OTEL_METRIC_EXPORT_INTERVAL": "2000"}


def throughput(folder: Path, models: Path, clip: Path, look_json: str) -> dict[str, Any]:
    """Of the same job by two stacks in turn, each first every second time: frames a second, and processor time a frame.

    The latter says it also on a machine that has other work: both cores are in use all the time.
    """
    seen = StackOptions(var=folder / "seen", models=models, metrics=True)
    unseen = StackOptions(var=folder / "unseen", models=models, environment=UNSEEN)
    rates: dict[str, list[float]] = {"seen": [], "unseen": []}
    busy: dict[str, list[float]] = {"seen": [], "unseen": []}
    with Stack(seen) as one, Client(one.rest) as client, Stack(unseen) as other, Client(other.rest) as quiet:
        ways = {"seen": (one, client), "unseen": (other, quiet)}
        with _scraping(one):
            for pair in range(PAIRS + 1):
                for name in sorted(ways, reverse=bool(pair % 2)):
                    stack, at = ways[name]
                    started, before = time.perf_counter(), _busy_seconds(stack)
                    frames = through_services(at, clip, look_json)
                    if pair:  # the first warms caches
                        rates[name].append(frames / (time.perf_counter() - started))
                        busy[name].append((_busy_seconds(stack) - before) * 1000 / frames)
    slower = [1 - with_all / without for with_all, without in zip(rates["seen"], rates["unseen"], strict=True)]
    busier = [with_all / without - 1 for with_all, without in zip(busy["seen"], busy["unseen"], strict=True)]
    return {
        "frames_per_second": rates,
        "processor_ms_per_frame": busy,
        "median_frames_per_second": {name: median(found) for name, found in rates.items()},
        "median_processor_ms": {name: median(found) for name, found in busy.items()},
        "throughput_cost": _spread(slower),
        "processor_cost": _spread(busier),
    }


def _spread(costs: list[float]) -> dict[str, float]:
    """Over all pairs."""
    low, middle, high = (float(value) for value in np.percentile(costs, (25, 50, 75)))
    return {"median": middle, "lower_quartile": low, "upper_quartile": high}


def _busy_seconds(stack: Stack) -> float:
    """Processor time that a stack has used so far: its services, their children, and NATS."""
    parents = [psutil.Process(stack.pid(name)) for name in ("nats", *stack.services)]
    processes = [*parents, *(child for one in parents for child in one.children(recursive=True))]
    found = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found += sum(process.cpu_times()[:4])  # user, system, and those of children that have ended
    return found


def collectors(folder: Path, models: Path, jpeg: bytes, look_json: str) -> dict[str, Any]:
    """p50 and p99 of a picture, milliseconds, with a collector that answers, one that hangs and one that is down."""
    with ExitStack() as stack:
        urls = {"answers": stack.enter_context(answering()), "hangs": stack.enter_context(hanging()), "down": down()}
        ways = {}
        for name, url in urls.items():
            environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, **EXPORT_OFTEN}
            running = Stack(StackOptions(var=folder / name, models=models, metrics=True, environment=environment))
            rest = stack.enter_context(running).rest
            ways[name] = http.client.HTTPConnection(urlsplit(rest).netloc)
            stack.callback(ways[name].close)
        figures: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(PICTURES + WARM_UPS):
            for name, connection in ways.items():
                time.sleep(PAUSE_SECONDS)
                started = time.perf_counter()
                post(connection, jpeg, look_json)
                if turn >= WARM_UPS:
                    figures[name].append((time.perf_counter() - started) * 1000)
    found = {name: [float(value) for value in np.percentile(times, (50, 99))] for name, times in figures.items()}
    changes = {f"{name}_p99_change": found[name][1] / found["answers"][1] - 1 for name in ("hangs", "down")}
    return {"p50_p99_ms": found, **changes}


@contextmanager
def answering() -> Iterator[str]:
    """A collector that takes all and keeps nothing; its URL."""

    class Taking(Desk):
        def do_POST(self) -> None:
            self.body()
            self.answer(200)

    with open_desk(Taking) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def hanging() -> Iterator[str]:
    """A collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def down() -> str:
    """Where no collector is: a port that was free a moment ago."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


@contextmanager
def _scraping(stack: Stack) -> Iterator[None]:
    """All services are asked for their metrics again and again."""
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(SCRAPE_SECONDS):
            for name in stack.services:
                scraped(stack.metrics(name))

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
