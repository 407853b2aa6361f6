"""A lane's pool in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.memory.host import HostPool
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.pictures import Colour, Geometry, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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


@pytest.fixture
def geometry() -> Geometry:
    """What fits a slot of the pool."""
    return SMALL


@pytest.fixture
def colour() -> Colour:
    return Colour()
