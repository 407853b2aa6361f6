"""Both pools of a lane behind one reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.cuda.pictures import CardPicture
from shared.memory.lane_reader import NO_CARD, LaneReader
from shared.memory.reader import HostReader
from shared.model.errors import FrameLost
from shared.model.frames import FrameReference
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.memory.card_pool import CardPool
    from shared.memory.host import HostPool
    from shared.model.pictures import Colour, Geometry
    from tests.cuda.lanes import EmulatedLane


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "visavis-host"


@pytest.fixture
def reader(path: Path, pool: HostPool, card_lane: EmulatedLane, card_pool: CardPool) -> Iterator[LaneReader]:
    made = LaneReader(HostReader(path, "r"), card_lane.reader())
    made.open()
    yield made
    made.close()


def test_a_frame_is_read_from_the_pool_of_its_epoch_and_given_back_there(
    pool: HostPool, card_pool: CardPool, card_lane: EmulatedLane, reader: LaneReader, geometry: Geometry, colour: Colour
) -> None:
    rows = [reader.follow(one.epoch) for one in (pool, card_pool)]
    slots = [one.lease(geometry.size_bytes, "s") for one in (pool, card_pool)]
    assert slots == [0, 0]
    pool.writable(0, geometry, colour).planes[0][:] = 3
    card_lane.write(card_pool, 0, geometry, colour, 4)
    on_host = pool.seal(0, geometry, colour, rows[0])
    on_card = card_pool.seal(0, geometry, colour, rows[1])
    with reader.read(on_host) as picture:
        assert isinstance(picture, Picture)
        assert (picture.planes[0] == 3).all()
    with reader.read(on_host, card_lane.device) as either:
        assert isinstance(either, Picture)
    with reader.read(on_card, card_lane.device) as either:
        assert isinstance(either, CardPicture)
        assert card_lane.values(either) == {4}
    for one, reference in ((pool, on_host), (card_pool, on_card)):
        reader.release(reference)
        one.sweep()
        assert one.ledger.in_use == 0


def test_without_a_device_frames_on_a_card_are_lost(card_pool: CardPool, reader: LaneReader) -> None:
    with pytest.raises(FrameLost, match="no frames on a card"), reader.read(FrameReference(card_pool.epoch, 0, 1)):
        pass


def test_without_a_card_the_hosts_frames_are_read_all_the_same(
    path: Path, pool: HostPool, card_pool: CardPool, card_lane: EmulatedLane
) -> None:
    reader = LaneReader(HostReader(path, "r"), None, "There is none.")
    assert reader.follow(pool.epoch) >= 0
    reader.tend()
    with pytest.raises(FrameLost, match="There is none"):
        reader.follow(card_pool.epoch)
    reference = FrameReference(card_pool.epoch, 0, 1)
    with pytest.raises(FrameLost, match="no frames on a card"), reader.read(reference, card_lane.device):
        pass
    reader.release(reference)
    reader.close()


def test_it_says_whether_frames_on_the_card_can_be_read_now(card_lane: EmulatedLane, reader: LaneReader) -> None:
    assert reader.why_no_card == NO_CARD
    reader.tend()
    assert reader.why_no_card == ""
    card_lane.path.unlink()
    reader.tend()
    assert reader.why_no_card == "The lane has no frame pool on a card."
