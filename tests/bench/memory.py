"""Resident memory of each service, with the pool, over two thousand frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil

from tests.bench.throughput import through_services
from visavis.stack import SERVICES

if TYPE_CHECKING:
    from pathlib import Path

    from visavis.client import Client
    from visavis.stack import Stack

FRAMES = 2400


def measure(stack: Stack, client: Client, clip: Path, look_json: str) -> dict[str, Any]:
    """Megabytes of each service after the first job and after at least FRAMES frames, and the growth."""
    done = through_services(client, clip, look_json)
    first = resident_mb(stack)
    while done < FRAMES:
        done += through_services(client, clip, look_json)
    last = resident_mb(stack)
    growth = {name: round(last[name] - first[name], 1) for name in SERVICES}
    return {"frames": done, "first_mb": first, "last_mb": last, "growth_mb": growth}


def resident_mb(stack: Stack) -> dict[str, float]:
    """Resident memory of each service and of its children together, megabytes."""
    figures = {}
    for name in SERVICES:
        process = psutil.Process(stack.pid(name))
        family = [process, *process.children(recursive=True)]
        figures[name] = round(sum(_own_mb(one) for one in family[1:]) + process.memory_info().rss / 1e6, 1)
    return figures


def _own_mb(process: psutil.Process) -> float:
    """What a child does not share with its parent."""
    return float(process.memory_full_info().uss) / 1e6
