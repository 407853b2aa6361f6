"""A warm picture over REST against the same work in one process, in turn."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

from shared.model.looks import parse_look
from tests.bench.composition import retouch_still

if TYPE_CHECKING:
    from visavis.client import Client

    from services.detect.finding import FaceFinder

TIMES = 60


def measure(jpeg: bytes, look_json: str, finder: FaceFinder, client: Client) -> dict[str, Any]:
    """p50 in milliseconds of each way and their ratio."""
    figures: dict[str, list[float]] = {"one_process": [], "rest": []}
    look = parse_look(look_json)
    for turn in range(TIMES + 5):
        for name, found in figures.items():
            started = time.perf_counter()
            if name == "rest":
                client.process_image(jpeg, look_json)
            else:
                retouch_still(jpeg, look, finder)
            if turn >= 5:
                found.append((time.perf_counter() - started) * 1000)
            time.sleep(0.02)
    medians = {name: median(times) for name, times in figures.items()}
    return {"p50_ms": medians, "ratio": medians["rest"] / medians["one_process"]}
