"""The words of a card's pool, and the slab that they name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shared.memory.card_reader import CardReader
from shared.memory.card_segment import CardSegment
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.errors import FrameLost, Misconfigured
from shared.model.pictures import Geometry, PixelFormat
from tests.cuda.file_memory import FREED, FileMemory
from tests.cuda.lanes import EmulatedLane

if TYPE_CHECKING:
    from pathlib import Path

    from shared.memory.card_pool import CardPool
    from shared.model.pictures import Colour


def opened(lane: EmulatedLane) -> CardSegment:
    fd = os.open(lane.path, os.O_RDWR)
    return CardSegment(fd, lane.path.stat().st_size, lane.memory)


@pytest.fixture
def slot(card_lane: EmulatedLane, card_pool: CardPool, geometry: Geometry, colour: Colour) -> int:
    """A leased slot of the pool in which every sample is 9."""
    slot = card_pool.lease(geometry.size_bytes, "s")
    assert slot is not None
    card_lane.write(card_pool, slot, geometry, colour, 9)
    return slot


def test_a_slot_is_the_same_memory_for_all(
    card_lane: EmulatedLane, slot: int, geometry: Geometry, colour: Colour
) -> None:
    segment = opened(card_lane)
    assert card_lane.values(segment.picture(slot, geometry, colour)) == {9}
    with pytest.raises(FrameLost, match="does not fit"):
        segment.picture(slot, Geometry(PixelFormat.NV12, 4000, 4000), colour)
    segment.close()


def test_the_slab_stays_while_somebody_looks(
    card_lane: EmulatedLane, slot: int, geometry: Geometry, colour: Colour
) -> None:
    segment = opened(card_lane)
    picture = segment.picture(slot, geometry, colour)
    segment.hold()
    segment.hold()
    segment.close()
    segment.let_go()
    assert card_lane.values(picture) == {9}
    del picture
    segment.let_go()
    assert not hasattr(segment, "slots")


def test_another_card_is_refused_with_what_to_set(tmp_path: Path) -> None:
    lane = EmulatedLane(tmp_path)
    pool = lane.own(SlotClass(1, 4096))
    other = CardReader(lane.path, "other", FileMemory(tmp_path, card="another"))
    with pytest.raises(Misconfigured, match="VISAVIS_CARD"):
        other.open()
    pool.close()


def test_neither_kind_of_pool_is_taken_for_the_other(card_lane: EmulatedLane, card_pool: CardPool, path: Path) -> None:
    with pytest.raises(Misconfigured, match="not a frame pool of this version"):
        HostReader(card_lane.path, "r").open()


def test_a_slab_that_its_owner_freed_shows_no_frame(tmp_path: Path, geometry: Geometry, colour: Colour) -> None:
    """Of the double: what the suite of the pool sees if a slab were freed too early."""
    block = FileMemory(tmp_path).allocate(4096)
    late = FileMemory(tmp_path).open(block.handle, 4096)
    block.close()
    assert (late.array == FREED).all()
    late.close()
