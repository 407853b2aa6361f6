"""How many streams of 1080p30 a card decodes, searches and draws on, and how late a frame is.

    python -m tests.gpu.bench_pipeline

prints JSON objects, the figures of each number of streams when they are there. Decoding alone and the whole pipeline
take turns in the same processes (`stages.py`), on as many decoders: in the first a frame is given up as soon as it lies
in its slot, in the second its faces are found and the look `natural` is drawn on it; the finished NV12 stays on the
card. `delay` is one stream at its own pace, from a packet to its finished NV12. All this once with processes that
compute in turns and once with NVIDIA's Multi-Process Service.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from services.ingest.cuda.nvdec import Nvdec
from shared.cuda.card import Card
from shared.memory.card_memory import CudaMemory
from tests.gpu.figures import told
from tests.gpu.lanes import write_clip
from tests.gpu.sharing import sharing
from tests.gpu.stages import RATE, ROLES, Crew, Kind, Stages
from visavis.sample import portrait_jpeg

FRAMES = 150
CREWS = (Crew(1, 1, 1, 1), Crew(4, 2, 2, 4), Crew(8, 4, 4, 8), Crew(16, 4, 4, 8))
MOST = Crew(*map(max, zip(*CREWS, strict=True)))
PASSES, TURNS = 2, 3
"""How often each stream goes through the clip in a turn, and turns of each kind."""


def cuda_memory(_: Path) -> CudaMemory:
    """Of the card; it needs no folder."""
    return CudaMemory()


ON_CARD = Kind(Card, cuda_memory, Nvdec, "cuda,cpu")


def measure(kind: Kind = ON_CARD) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        live = clip.with_name("live.mp4")
        write_clip(clip, portrait_jpeg(), FRAMES, kind.size)
        write_clip(live, portrait_jpeg(), 2 * FRAMES, kind.size, tune="zerolatency")
        figures = staged(kind, (clip, live), "in turns")
        with sharing() as is_there:
            if is_there:
                figures |= staged(kind, (clip, live), "MPS")
        return figures


def staged(kind: Kind, clips: tuple[Path, Path], how: str) -> dict[str, Any]:
    """Rates and delays, of processes that share the card in this way. clips: as `Stages` has them."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, Stages(kind, clips, Path(folder), MOST) as stages:
        for crew in CREWS:
            figures |= told({f"{name} ({how})": value for name, value in side_by_side(stages, crew).items()})
        delays = stages.run(CREWS[0], 1, is_whole=True, is_paced=True)["delays"][RATE:]
    half, most = np.percentile(delays, (50, 99))
    return figures | told(
        {
            f"delay, p50 ms ({how})": round(float(half), 2),
            f"delay, p99 ms ({how})": round(float(most), 2),
            f"delay, frames ({how})": len(delays),
        }
    )


def side_by_side(stages: Stages, crew: Crew) -> dict[str, Any]:
    """Frames a second of decoding alone and of the whole pipeline, of so many streams."""
    stages.run(crew, 1, is_whole=True)
    rates: dict[bool, list[float]] = {False: [], True: []}
    cores: dict[str, list[float]] = {role: [] for role in ROLES}
    faces = fetched = frames = 0
    for _ in range(TURNS):
        for is_whole, found in rates.items():
            came = stages.run(crew, PASSES, is_whole=is_whole)
            found.append(came["frames"] / came["seconds"])
            faces, fetched = faces + came["faces"], fetched + came["fetched"]
            if is_whole:
                frames += came["frames"]
                for role, used in came["cores"].items():
                    cores[role].append(used)
    decode, pipeline = median(rates[False]), median(rates[True])
    name = f"{crew.streams} streams"
    return {
        f"processes, {name}": " + ".join(map(str, crew[1:])),
        f"decode, {name}: frames/s": round(decode),
        f"pipeline, {name}: frames/s": round(pipeline),
        f"pipeline over decode, {name}": round(pipeline / decode, 3),
        f"pipeline, {name}: 1080p30": int(pipeline // RATE),
        f"cores of the pipeline, {name}": ", ".join(f"{role}s {median(found):.1f}" for role, found in cores.items()),
        f"faces a frame, {name}": round(faces / frames, 3),
        f"pictures that came to the host, {name}": fetched,
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
