"""Sessions at full size on a card, several at a time, beside the same sessions on the host.

One by one, and small, they are compared in tests/unit/services/render/cuda/test_sessions.py, on a card too.
"""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest

from services.render.layouts.frontal import frontal
from shared.memory.layout import SlotClass
from shared.model.faces import Face, Layout
from shared.model.jobs import part_key
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from shared.model.presets import PRESETS
from tests.cuda.devices import MISSING
from tests.cuda.lanes import CardLane
from tests.gpu.lanes import psnr
from tests.unit.services.render.cuda.worker import trembling, working

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.render.cuda.worker import Worker

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
FULL_HD = Geometry(PixelFormat.I420, 1920, 1080)
FACTS = VideoFacts(geometry=FULL_HD, colour=Colour(), time_base=(1, 1000), frame_rate=(25, 1))
SLOTS = SlotClass(12, FULL_HD.size_bytes)
LOOKS = ("natural", "glamour", "privacy", "none")
FRAMES = 12


def ground() -> Picture:
    """Soft colours with grain."""
    picture, noise = Picture.blank(FULL_HD, Colour()), np.random.default_rng(2)
    for plane in picture.planes:
        coarse = noise.integers(60, 190, (9, 16)).astype(np.uint8)
        cv2.resize(coarse, plane.shape[1::-1], plane, interpolation=cv2.INTER_CUBIC)
    return picture


def face(x: float, y: float, width: float) -> Face:
    return Face.of((frontal(Layout.MESH) * width + np.array((x, y, 0))).astype(np.float32), 1.0)


FACES = (face(600, 500, 400), face(1300, 560, 380), face(1500, 300, 90))


async def part(worker: Worker, look: str, *, on_card: bool) -> bytes:
    name, picture = f"{look}-{on_card}".lower(), ground()
    await worker.begin(name, on_card=on_card, look=PRESETS[look], facts=FACTS)
    for number in range(FRAMES):
        frame = worker.frame(number, trembling(picture, number), FACES, on_card=on_card)
        await worker.draw(name, frame)
    await worker.no_more(name, FRAMES)
    return await worker.store.get(part_key(name, 0))


def decoded(body: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(body)) as file:
        return [frame.to_ndarray(format="yuv420p") for frame in file.decode(video=0)]


async def test_sessions_side_by_side_come_out_as_on_the_host(tmp_path: Path) -> None:
    async with working(tmp_path, CardLane(tmp_path), slots=SLOTS, parallel=4) as worker:
        there = await asyncio.gather(*(part(worker, look, on_card=True) for look in LOOKS))
        here = [await part(worker, look, on_card=False) for look in LOOKS]
        assert worker.slots_in_use() == 0
        assert len(worker.devices) == 2 * len(LOOKS)
    assert here[LOOKS.index("none")] == there[LOOKS.index("none")]
    for one, other in zip(here, there, strict=True):
        assert min(map(psnr, decoded(one), decoded(other))) > 40
