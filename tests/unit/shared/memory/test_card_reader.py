"""A reader of the pool on a card. What it has in common with the host's: test_reader, and the suite of both."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.memory import card_segment
from shared.memory.card_pool import CardPool
from shared.memory.card_reader import CardReader
from shared.memory.layout import SlotClass
from shared.model.errors import FrameLost
from tests.cuda.file_memory import FileEvent, FileMemory, WatchedCard
from tests.cuda.lanes import EmulatedLane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.model.frames import FrameReference
    from shared.model.pictures import Colour, Geometry


@pytest.fixture
def reader(card_lane: EmulatedLane) -> Iterator[CardReader]:
    made = card_lane.reader()
    yield made
    made.close()


def sealed(lane: EmulatedLane, pool: CardPool, holder: int, geometry: Geometry, colour: Colour) -> FrameReference:
    slot = pool.lease(geometry.size_bytes, "s")
    assert slot is not None
    lane.write(pool, slot, geometry, colour, 7)
    return pool.seal(slot, geometry, colour, holder)


def test_a_sealed_frame_is_read_where_it_lies(
    card_lane: EmulatedLane, card_pool: CardPool, reader: CardReader, geometry: Geometry, colour: Colour
) -> None:
    reader.open()
    reference = sealed(card_lane, card_pool, reader.row, geometry, colour)
    with reader.read(reference, card_lane.device) as picture:
        assert (picture.geometry, picture.colour) == (geometry, colour)
        assert card_lane.values(picture) == {7}
    reader.release(reference)
    card_pool.sweep()
    assert card_pool.ledger.in_use == 0


def test_the_device_is_waited_for_before_the_frame_is_given_back(
    tmp_path: Path, geometry: Geometry, colour: Colour
) -> None:
    lane, device = EmulatedLane(tmp_path), WatchedCard()
    pool, reader = lane.own(SlotClass(1, geometry.size_bytes)), lane.reader()
    reader.open()
    reference = sealed(lane, pool, reader.row, geometry, colour)
    with reader.read(reference, device):
        device.told.append("look")
    assert device.told == ["look", "synchronize"]
    with pytest.raises(ZeroDivisionError), reader.read(reference, device):
        raise ZeroDivisionError
    assert device.told[2:] == ["synchronize"]
    reader.close()
    pool.close()


def test_a_frame_that_is_not_all_there_is_waited_for_but_not_for_ever(
    tmp_path: Path, geometry: Geometry, colour: Colour, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = EmulatedLane(tmp_path)
    pool, reader = lane.own(SlotClass(1, geometry.size_bytes)), lane.reader()
    reader.open()
    reference = sealed(lane, pool, reader.row, geometry, colour)
    [event] = pool._segment._events
    assert isinstance(event, FileEvent)
    event.hold_back(held=True)
    later = threading.Timer(0.05, partial(event.hold_back, held=False))
    later.start()
    with reader.read(reference, lane.device) as picture:
        assert event.has_come()
        assert lane.values(picture) == {7}
    later.join()
    event.hold_back(held=True)
    monkeypatch.setattr(card_segment, "ARRIVE_SECONDS", 0.05)
    with pytest.raises(FrameLost, match="not written to its end"), reader.read(reference, lane.device):
        pass
    reader.close()
    pool.close()


def test_a_frame_that_is_overwritten_while_it_is_read_is_lost_afterwards(
    card_lane: EmulatedLane, card_pool: CardPool, reader: CardReader, geometry: Geometry, colour: Colour
) -> None:
    reader.open()
    reference = sealed(card_lane, card_pool, reader.row, geometry, colour)
    card_pool.lease(1, "other")
    reading = reader.read(reference, card_lane.device)
    reading.__enter__()
    card_pool.end_session("s", confirmed=True)
    assert card_pool.lease(1, "next") == reference.slot
    with pytest.raises(FrameLost):
        reading.__exit__(None, None, None)


def test_it_tends_to_have_the_slab_open_while_its_owner_lives(card_lane: EmulatedLane, reader: CardReader) -> None:
    assert reader.tend() == "The lane has no frame pool on a card."
    pool = card_lane.own(SlotClass(1, 4096))
    assert reader.tend() == ""
    assert pool.is_alive(row := reader.row)
    assert (reader.tend(), reader.row) == ("", row)
    card_lane.path.unlink()  # what an owner does first that ends
    assert reader.tend() == "The lane has no frame pool on a card."
    assert not pool.is_alive(row)
    pool.close()


def test_it_lets_go_of_the_slab_of_a_dead_owner_and_opens_the_next_ones(
    card_lane: EmulatedLane, reader: CardReader
) -> None:
    pool = card_lane.own(SlotClass(1, 4096))
    reader.tend()
    pool._segment.close()  # what the kernel does for a dead process
    assert reader.tend() == "The owner of the frame pool on the card has ended."
    assert reader.epoch == 0
    successor = card_lane.own(SlotClass(1, 4096))
    assert reader.tend() == ""
    assert reader.epoch == successor.epoch
    reader.close()
    successor.close()


def test_what_is_refused_is_said_and_tried_once(tmp_path: Path) -> None:
    lane = EmulatedLane(tmp_path)
    pool = lane.own(SlotClass(1, 4096))
    reader = CardReader(lane.path, "r", FileMemory(tmp_path, card="another"))
    assert "VISAVIS_CARD" in reader.tend()
    assert "VISAVIS_CARD" in reader.tend()
    pool.close()
    assert reader.tend() == "The lane has no frame pool on a card."
