"""Memory for frames: written through the file, read in place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import FrameLost
from shared.model.frames import FrameReference
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat
from visavis.oneshot.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = Geometry(PixelFormat.I420, 16, 8)
FACTS = VideoFacts(geometry=SIZE, colour=Colour(), time_base=(1, 25), frame_rate=(25, 1))


@pytest.fixture
def slots() -> Iterator[Slots]:
    made = Slots(3, 5000)
    yield made
    made.close()


def test_a_frame_is_read_where_it_was_written(slots: Slots) -> None:
    slots.of(FACTS)
    offset, size = slots.extent(1)
    assert size >= 5000
    os.pwrite(slots.fd, bytes([7]) * SIZE.size_bytes, offset)
    with slots.read(slots.reference(1, 0)) as picture:
        assert all((plane == 7).all() for plane in picture.planes)
        assert picture.planes[0].shape == (8, 16)


def test_nobody_writes_into_a_frame_that_is_read(slots: Slots) -> None:
    slots.of(FACTS)
    with slots.read(slots.reference(0, 0)) as picture, pytest.raises(ValueError, match="read-only"):
        picture.planes[0][:] = 1


@pytest.mark.parametrize("slot", [-1, 3])
def test_there_is_no_slot_beyond_the_last(slots: Slots, slot: int) -> None:
    slots.of(FACTS)
    with pytest.raises(FrameLost), slots.read(FrameReference(1, slot, 0)):
        pass


def test_memory_is_taken_only_where_frames_were_written() -> None:
    slots = Slots(6, 75_000_000)
    try:
        assert os.fstat(slots.fd).st_size >= 450_000_000
        assert os.fstat(slots.fd).st_blocks * 512 < 1_000_000
    finally:
        slots.close()
