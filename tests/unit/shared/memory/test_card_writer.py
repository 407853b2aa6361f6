"""The pool on a card as the process has it that decodes for the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.memory.card_writer import CardWriter
from shared.memory.layout import SlotClass
from shared.model.errors import FrameLost, Misconfigured, Unavailable
from shared.model.pictures import Geometry, PixelFormat
from tests.cuda.file_memory import WatchedCard
from tests.cuda.lanes import EmulatedLane

if TYPE_CHECKING:
    from pathlib import Path

    from shared.memory.card_pool import CardPool
    from shared.model.pictures import Colour


def test_what_it_writes_into_a_granted_slot_is_what_readers_see(
    card_lane: EmulatedLane, card_pool: CardPool, geometry: Geometry, colour: Colour
) -> None:
    writer, reader, device = CardWriter(card_lane.path, card_lane.memory), card_lane.reader(), card_lane.device
    reader.open()
    slot = card_pool.lease(geometry.size_bytes, "s")
    assert slot is not None
    assert writer.epoch == card_pool.epoch
    for plane in writer.writable(slot, geometry, colour).planes:
        device.copy(device.upload(np.full(plane.shape, 5, np.uint8)), plane)
    writer.written(slot, device)
    reference = card_pool.seal(slot, geometry, colour, reader.row)
    with reader.read(reference, device) as picture:
        assert card_lane.values(picture) == {5}
    reader.close()
    writer.close()


def test_what_was_written_is_recorded(tmp_path: Path, geometry: Geometry) -> None:
    lane, device = EmulatedLane(tmp_path), WatchedCard()
    pool = lane.own(SlotClass(1, geometry.size_bytes))
    writer = CardWriter(lane.path, lane.memory)
    writer.written(0, device)
    assert device.told == ["record"]
    writer.close()
    pool.close()


def test_a_frame_that_does_not_fit_is_refused(card_lane: EmulatedLane, card_pool: CardPool, colour: Colour) -> None:
    writer = CardWriter(card_lane.path, card_lane.memory)
    with pytest.raises(FrameLost, match="does not fit"):
        writer.writable(0, Geometry(PixelFormat.NV12, 4000, 4000), colour)
    writer.close()


def test_there_is_one_at_a_time(card_lane: EmulatedLane, card_pool: CardPool) -> None:
    writer = CardWriter(card_lane.path, card_lane.memory)
    with pytest.raises(Unavailable, match="Another process still writes"):
        CardWriter(card_lane.path, card_lane.memory)
    writer.close()
    CardWriter(card_lane.path, card_lane.memory).close()


def test_without_a_pool_there_is_nothing_to_write_to(card_lane: EmulatedLane) -> None:
    with pytest.raises(Unavailable, match="is ingest of this lane running"):
        CardWriter(card_lane.path, card_lane.memory)
    card_lane.path.write_bytes(b"junk")
    with pytest.raises(Misconfigured, match="not a frame pool"):
        CardWriter(card_lane.path, card_lane.memory)
