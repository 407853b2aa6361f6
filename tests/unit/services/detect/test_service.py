"""Detect as a function from message to message, over a real pool."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from services.detect import service
from services.detect.service import DetectService
from shared.memory.host import HostPool
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.errors import FrameLost, Late
from shared.model.faces import Face
from shared.model.frames import CapturedFrame, FacesDetected, FramesCaptured
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.runtime.stage import Passage
from shared.testing import MAX_BODY_BYTES
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shared.model.pictures import Picture

SIZE = Geometry(PixelFormat.I420, 32, 16)


class Finder:
    """Finds a face (or a crowd of it) in every picture, scored as its first sample; remembers what it was asked."""

    def __init__(self) -> None:
        self.hints: list[list[float] | None] = []
        self.searches: list[bool] = []
        self.crowd = 1

    def find(self, picture: Picture, hint: Sequence[Face] | None = None, *, detect: bool = False) -> list[Face]:
        self.hints.append(None if hint is None else [face.score for face in hint])
        self.searches.append(detect)
        sample = float(picture.planes[0][0, 0])
        return [Face.of(np.zeros((468, 3), np.float32), sample)] * self.crowd if sample else []


class Desk:
    """A detect worker and the pool that it reads."""

    def __init__(self, folder: Path) -> None:
        self.pool = HostPool.create(folder / "pool", (SlotClass(8, SIZE.size_bytes),))
        self.reader = HostReader(folder / "pool", "d")
        self.finder = Finder()
        self.service = DetectService(self.finder, self.reader, detect_every=4)

    def frame(self, sequence: int, sample: int | None = None) -> CapturedFrame:
        slot = self.pool.lease(SIZE.size_bytes, "s")
        assert slot is not None
        for plane in self.pool.writable(slot, SIZE, Colour()).planes:
            plane[:] = sequence if sample is None else sample
        return CapturedFrame(self.pool.seal(slot, SIZE, Colour(), self.reader.row), sequence, sequence * 40)

    async def detect(self, *frames: CapturedFrame, session: str = "s") -> FacesDetected:
        message = FramesCaptured("local", session, "w", frames)
        [found] = await self.service.detect(Passage[Any](message, 1, 0.0, time.perf_counter()))
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.reader.close()
    made.pool.close()


async def test_the_faces_of_each_frame_go_to_the_worker_that_owns_the_session(desk: Desk) -> None:
    frames = [desk.frame(1), desk.frame(2)]
    found = await desk.detect(*frames)
    assert (found.lane, found.session, found.worker) == ("local", "s", "w")
    assert [frame.captured for frame in found.frames] == frames
    assert [[face.score for face in frame.faces] for frame in found.frames] == [[1], [2]]


async def test_a_face_is_followed_from_frame_to_frame_and_from_message_to_message(desk: Desk) -> None:
    await desk.detect(desk.frame(1), desk.frame(2))
    await desk.detect(desk.frame(3))
    assert desk.finder.hints == [None, [1], [2]]


async def test_that_no_face_was_there_is_a_hint_too(desk: Desk) -> None:
    await desk.detect(desk.frame(1, sample=0))
    await desk.detect(desk.frame(2))
    assert desk.finder.hints == [None, []]


@pytest.mark.parametrize("sequence", [2, 1, 4, 0], ids=["again", "older", "after a gap", "from the start"])
async def test_a_hint_counts_only_for_the_very_next_frame(desk: Desk, sequence: int) -> None:
    await desk.detect(desk.frame(2))
    await desk.detect(desk.frame(sequence))
    assert desk.finder.hints == [None, None]


async def test_a_hint_counts_only_for_its_own_session(desk: Desk) -> None:
    await desk.detect(desk.frame(1))
    await desk.detect(desk.frame(2), session="other")
    assert desk.finder.hints == [None, None]


async def test_new_faces_are_looked_for_every_few_frames(desk: Desk) -> None:
    await desk.detect(*(desk.frame(number) for number in range(6)))
    assert desk.finder.searches == [True, False, False, False, True, False]


async def test_what_is_remembered_of_sessions_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "HINTS", 2)
    for name in ("oldest", "older", "newest"):
        await desk.detect(desk.frame(1), session=name)
    for name in ("older", "oldest"):
        await desk.detect(desk.frame(2), session=name)
    assert desk.finder.hints[3:] == [[1], None]


async def test_a_frame_that_is_gone_is_lost_and_no_faces_are_told(desk: Desk) -> None:
    frame = desk.frame(1)
    stale = msgspec.structs.replace(frame.reference, generation=frame.reference.generation + 1)
    with pytest.raises(FrameLost):
        await desk.detect(msgspec.structs.replace(frame, reference=stale))
    assert desk.finder.hints == []


async def test_a_frame_whose_slot_is_used_again_meanwhile_is_lost(desk: Desk) -> None:
    frame = desk.frame(1)
    asked = desk.finder.find

    def slow(picture: Picture, *rest: Any, **more: Any) -> list[Face]:
        desk.pool.end_session("s", confirmed=True)
        desk.pool.lease(SIZE.size_bytes, "other")
        return asked(picture, *rest, **more)

    desk.finder.find = slow
    with pytest.raises(FrameLost):
        await desk.detect(frame)


async def test_a_crowd_goes_in_messages_that_the_bus_takes(desk: Desk) -> None:
    desk.finder.crowd = 64
    message = FramesCaptured("local", "s", "w", tuple(desk.frame(number) for number in range(1, 6)))
    found = await desk.service.detect(Passage[Any](message, 1, 0.0, time.perf_counter()))
    assert [[frame.captured.sequence for frame in one.frames] for one in found] == [[1, 2], [3, 4], [5]]
    assert max(len(wire.encode(one)) for one in found) < MAX_BODY_BYTES


async def test_detect_never_releases_a_frame(desk: Desk) -> None:
    """Render does, when it has drawn it."""
    desk.reader.open()
    await desk.detect(desk.frame(1))
    desk.pool.sweep()
    assert desk.pool.ledger.in_use == 1


async def test_a_message_without_frames_is_dropped(desk: Desk) -> None:
    with pytest.raises(Late):
        await desk.detect()
