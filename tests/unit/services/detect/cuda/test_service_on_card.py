"""The whole detect service on a pool in a card's memory, with the real models."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from services.detect.loading import load
from services.detect.service import DetectService, Sight
from services.detect.settings import DetectSettings
from shared.memory.lane_reader import LaneReader
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.frames import CapturedFrame, FramesCaptured
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from shared.runtime.stage import Passage
from tests.cuda.devices import BOTH
from tests.cuda.lanes import CardLane, EmulatedLane

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from services.detect.finding import FaceFinder
    from shared.cuda.device import DeviceArray
    from shared.model.faces import Face

FRAMES, THREADS = 5, 2
SESSIONS = ("left", "middle", "right")
SIZE = Geometry(PixelFormat.NV12, 1280, 720)
OF_WIDTH = 0.005
"""Most that landmarks may be off, the mean of a face, in widths of it."""
MOST_BYTES = 64 << 10
"""Of a frame with a face that may come to the host: landmarks, and what a detector says of 16 pictures, for each."""


@dataclass
class Desk:
    """A worker that looks at a card's pool, the pool, and what came to the host."""

    lane: EmulatedLane
    pool: Any
    reader: Any
    service: DetectService
    fetched: list[int]

    def frame(self, picture: Picture, sequence: int) -> CapturedFrame:
        slot = self.pool.lease(SIZE.size_bytes, "s")
        for plane, samples in zip(self.pool.writable(slot, SIZE, picture.colour).planes, picture.planes, strict=True):
            self.lane.device.copy(self.lane.device.upload(samples), plane)
        self.pool.written(slot, self.lane.device)
        return CapturedFrame(self.pool.seal(slot, SIZE, picture.colour, self.reader.row), sequence, sequence * 40)

    async def detect(self, session: str, frames: Sequence[CapturedFrame]) -> list[tuple[Face, ...]]:
        message = FramesCaptured("local", session, "w", tuple(frames), people=True)
        [found] = await self.service.detect(Passage[Any](message, 1, 0.0, time.perf_counter()))
        assert all(frame.people is not None for frame in found.frames)
        return [frame.faces for frame in found.frames]


@pytest.fixture(params=BOTH)
def desk(request: pytest.FixtureRequest, tmp_path: Path, models_folder: Path) -> Iterator[Desk]:
    kind = request.param
    lane = EmulatedLane(tmp_path) if kind().memory == "cpu" else CardLane(tmp_path)
    fetched: list[int] = []

    class Counted(kind):
        """Counts what comes to the host."""

        def download(self, array: DeviceArray) -> Any:
            fetched.append(array.nbytes)
            return super().download(array)

    devices = [Counted() for _ in range(THREADS)]
    word = "cpu" if lane.device.memory == "cpu" else "cuda"
    finders = load(DetectSettings(models=models_folder, providers=word), devices).finders
    if word == "cuda":
        finders.warm_up()  # what is recorded is played in threads that did not record it
    pool = lane.own(SlotClass(FRAMES * len(SESSIONS), SIZE.size_bytes))
    readers = [lane.reader(f"d{number}") for number in range(THREADS)]
    for reader in readers:
        reader.open()
    sights = [
        Sight(LaneReader(HostReader(tmp_path / "none", "d"), reader), device)
        for reader, device in zip(readers, devices, strict=True)
    ]
    fetched.clear()
    made = Desk(lane, pool, readers[0], DetectService(finders, sights, detect_every=4), fetched)
    yield made
    made.service.close()
    for reader in readers:
        reader.close()
    pool.close()


@pytest.fixture
def clips(portrait: Any) -> dict[str, list[Picture]]:
    """A person who moves to the right, of each session elsewhere, as a card's decoder gives it."""
    return {
        session: [_nv12(np.roll(portrait, 60 * (place - 1) + 4 * number, axis=1)) for number in range(FRAMES)]
        for place, session in enumerate(SESSIONS)
    }


def _nv12(pixels: Any) -> Picture:
    planes = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2YUV_I420).reshape(-1)
    luma, *chroma = Picture.over(Geometry(PixelFormat.I420, SIZE.width, SIZE.height), Colour(), planes).planes
    return Picture(SIZE, Colour(), (np.ascontiguousarray(luma), np.stack(chroma, axis=-1)))


def _on_host(picture: Picture) -> Picture:
    luma, chroma = picture.planes
    kind = Geometry(PixelFormat.I420, SIZE.width, SIZE.height)
    return Picture(kind, picture.colour, (luma, *(np.ascontiguousarray(chroma[..., at]) for at in (0, 1))))


async def test_sessions_on_a_card_are_followed_together_and_no_pixel_comes_to_the_host(
    desk: Desk, finder: FaceFinder, clips: dict[str, list[Picture]]
) -> None:
    frames = {name: [desk.frame(one, n) for n, one in enumerate(pictures)] for name, pictures in clips.items()}
    parts = [
        await asyncio.gather(*(desk.detect(name, frames[name][start : start + 3]) for name in SESSIONS))
        for start in (0, 3)
    ]
    for number, name in enumerate(SESSIONS):
        found = [faces for part in parts for faces in part[number]]
        expected: list[Face] | None = None
        for n, picture in enumerate(clips[name]):
            expected = finder.find(_on_host(picture), expected, detect=n % 4 == 0, turn=n // 4)
            assert len(found[n]) == len(expected) == 1
            off = np.linalg.norm(found[n][0].landmarks_px - expected[0].landmarks_px, axis=1).mean()
            assert off <= OF_WIDTH * (expected[0].box_px[2] - expected[0].box_px[0])
    mask = 256 * 256
    assert 0 < sum(desk.fetched) <= FRAMES * len(SESSIONS) * (MOST_BYTES + mask)
    assert max(desk.fetched) < SIZE.size_bytes / 4
