"""What passes between host and card while a lane decodes, searches and draws: every copy, by a profile.

    python -m tests.gpu.bench_copies

prints one JSON object. The pipeline is that of `bench_pipeline`, on four streams of 1080p; NVIDIA's CUPTI records the
copies that its processes have the card make, whoever asks for them: CuPy, ONNX Runtime, NVDEC's library. They are
counted from the end of a warm run to the last frame of the next. What CUPTI records are copies: a kernel that read or
wrote pinned memory of the host by itself would not be seen (ours are given addresses on the card only), nor is how the
driver brings coded packets to NVDEC. Recording takes time, so that no rate is told.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.model.errors import Misconfigured
from shared.model.pictures import Geometry, PixelFormat
from tests.gpu.bench_pipeline import FRAMES, ON_CARD
from tests.gpu.copies import Account, figures
from tests.gpu.lanes import write_clip
from tests.gpu.noting import NotedCard
from tests.gpu.recorder import CuptiRecorder, build, library, version
from tests.gpu.stages import Crew, Stages
from tests.gpu.watching import Profiling, tried
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from tests.gpu.stages import Kind

CREW, PASSES = Crew(4, 2, 2, 4), 2
"""PASSES: how often each stream goes through the clip while copies are counted."""


def measure() -> dict[str, Any]:
    """All figures; without CUPTI why there are none."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            built, cupti = build(folder), library()
            profiling = Profiling(partial(CuptiRecorder, built, cupti), NotedCard)
            tried(profiling)
        except Misconfigured as error:
            return {"profile": f"There is none. {error}"}
        kind = ON_CARD._replace(device=NotedCard, profiling=profiling)
        return {"profile": f"CUPTI {version(cupti)}"} | profiled(kind, folder, CREW, FRAMES)


def profiled(kind: Kind, folder: Path, crew: Crew, count: int) -> dict[str, Any]:
    """Of a clip with so many frames. kind: whose processes are watched; folder: for clip and pools."""
    clip = folder / "clip.mp4"
    write_clip(clip, portrait_jpeg(), count, kind.size)
    with Stages(kind, (clip, clip), folder, crew) as stages:
        stages.run(crew, 1, is_whole=True)
        came, accounts = stages.watched(crew, PASSES)
    by_role: defaultdict[str, Account] = defaultdict(Account)
    for name, account in accounts.items():
        if account.blind:
            account.blind = f"{name}: {account.blind}"
        by_role[f"{name.split('-')[0]}s"] += account
    picture = Geometry(PixelFormat.NV12, *kind.size).size_bytes
    told = {"processes": " + ".join(map(str, crew[1:])), "faces a frame": round(came["faces"] / came["frames"], 3)}
    return told | figures(by_role, came["frames"], picture)


if __name__ == "__main__":
    print(json.dumps(measure()))
