"""A lane's pool in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.memory.host import HostPool
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.pictures import Colour, Geometry, PixelFormat
from tests.cuda.lanes import ON_CARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shared.memory.card_pool import CardPool
    from tests.cuda.lanes import EmulatedLane

SMALL = Geometry(PixelFormat.I420, 16, 8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "visavis-test"


@pytest.fixture
def pool(path: Path) -> Iterator[HostPool]:
    """Two slots of one page each."""
    pool = HostPool.create(path, (SlotClass(2, SMALL.size_bytes),))
    yield pool
    pool.close()


@pytest.fixture
def open_reader(path: Path, pool: HostPool) -> Iterator[Callable[[], HostReader]]:
    """Opens readers of the pool and closes them at the end."""
    readers: list[HostReader] = []

    def make() -> HostReader:
        reader = HostReader(path, f"reader-{len(readers)}")
        reader.open()
        readers.append(reader)
        return reader

    yield make
    for reader in readers:
        reader.close()


@pytest.fixture(params=ON_CARD)
def card_lane(request: pytest.FixtureRequest, tmp_path: Path) -> EmulatedLane:
    """A lane whose pool is on a card, without an owner."""
    made: EmulatedLane = request.param(tmp_path)
    return made


@pytest.fixture
def card_pool(card_lane: EmulatedLane) -> Iterator[CardPool]:
    """Two slots of one page each."""
    pool = card_lane.own(SlotClass(2, SMALL.size_bytes))
    yield pool
    pool.close()


@pytest.fixture
def geometry() -> Geometry:
    """What fits a slot of the pool."""
    return SMALL


@pytest.fixture
def colour() -> Colour:
    return Colour()
