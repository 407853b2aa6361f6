"""What x264 leaves of a card: jobs side by side through the whole service, to files.

    python -m tests.gpu.bench_service

prints JSON objects: with processes that compute in turns, and with NVIDIA's Multi-Process Service.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from tests.gpu.bench_pipeline import ON_CARD
from tests.gpu.figures import told
from tests.gpu.lanes import finished, frames_lie, write_clip
from tests.gpu.stages import LOOK, RATE
from tests.gpu.threads import all_of
from visavis.client import Client
from visavis.mps import PROGRAM
from visavis.sample import portrait_jpeg
from visavis.settings import LocalSettings
from visavis.stack import Stack, StackOptions

JOBS, WORKERS, FRAMES = 8, 4, 600
JOBS_SECONDS = 180.0
"""So long all jobs together may take."""


def measure() -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "clip.mp4"
        write_clip(clip, portrait_jpeg(), FRAMES, ON_CARD.size)
        figures: dict[str, Any] = {}
        for mps in (False, True) if shutil.which(PROGRAM) else (False,):
            var = folder / ("mps" if mps else "turns")
            figures |= service(var, clip, mps=mps)
        return figures


def service(var: Path, clip: Path, *, mps: bool) -> dict[str, Any]:
    """Jobs side by side through the whole service on a card, to files by x264."""
    environment = {"VISAVIS_CARD": "0", "VISAVIS_PROVIDERS": "cuda,cpu", "VISAVIS_JOBS": str(JOBS)}
    models = LocalSettings().models.expanduser()
    options = StackOptions(var=var, models=models, environment=environment, workers=WORKERS, mps=mps)
    with Stack(options) as stack, Client(stack.rest) as client:
        where = frames_lie(stack)
        if where["on"] != "card":
            raise RuntimeError(f"Frames do not lie on the card: {where}")
        all_of([partial(finished, client, clip, LOOK)], JOBS_SECONDS)
        before, started = _busy(stack), time.perf_counter()
        all_of([partial(_job, stack.rest, clip)] * JOBS, JOBS_SECONDS)
        seconds = time.perf_counter() - started
        after = _busy(stack)
    rate = JOBS * FRAMES / seconds
    cores = {name: round((after[name] - before[name]) / seconds, 2) for name in before}
    how = "MPS" if mps else "in turns"
    return told(
        {
            f"service, frames lie on ({how})": where["on"],
            f"service, {JOBS} jobs, x264: frames/s ({how})": round(rate),
            f"service, {JOBS} jobs, x264: 1080p30 ({how})": int(rate // RATE),
            **{f"service, cores of {name} ({how})": used for name, used in cores.items()},
        }
    )


def _job(rest: str, clip: Path) -> None:
    with Client(rest) as client:
        finished(client, clip, LOOK)


def _busy(stack: Stack) -> dict[str, float]:
    """Processor seconds of each kind of service so far, its children's with it."""
    busy: dict[str, float] = {}
    for name in stack.services:
        process = psutil.Process(stack.pid(name))
        family = [process, *process.children(recursive=True)]
        seconds = sum(sum(one.cpu_times()[:2]) for one in family)
        kind = name.partition(".")[0]
        busy[kind] = busy.get(kind, 0.0) + seconds
    return busy


if __name__ == "__main__":
    print(json.dumps(measure()))
