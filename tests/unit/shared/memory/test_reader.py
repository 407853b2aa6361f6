from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.memory.host import HostPool
from shared.memory.layout import READERS, SlotClass
from shared.memory.reader import HostReader
from shared.model.errors import FrameLost, Misconfigured, Unavailable
from shared.model.frames import FrameReference

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.pictures import Colour, Geometry

    Open = Callable[[], HostReader]


def sealed(pool: HostPool, holder: int, geometry: Geometry, colour: Colour, value: int = 7) -> FrameReference:
    slot = pool.lease(geometry.size_bytes, "s")
    assert slot is not None
    for plane in pool.writable(slot, geometry, colour).planes:
        plane[:] = value
    return pool.seal(slot, geometry, colour, holder)


def test_a_sealed_frame_is_read_where_it_lies_and_cannot_be_written(
    pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    reference = sealed(pool, reader.row, geometry, colour)
    with reader.read(reference) as picture:
        assert (picture.geometry, picture.colour) == (geometry, colour)
        assert all((plane == 7).all() for plane in picture.planes)
        with pytest.raises(ValueError, match="read-only"):
            picture.planes[0][0, 0] = 1


def test_a_frame_that_is_overwritten_while_it_is_read_is_lost_afterwards(
    pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    reference = sealed(pool, reader.row, geometry, colour)
    pool.lease(1, "other")
    reading = reader.read(reference)
    reading.__enter__()
    pool.end_session("s", confirmed=True)
    assert pool.lease(1, "next") == reference.slot
    with pytest.raises(FrameLost):
        reading.__exit__(None, None, None)


def test_a_late_reader_never_sees_the_next_frame(
    pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    reference = sealed(pool, reader.row, geometry, colour)
    reader.release(reference)
    pool.sweep()
    pool.lease(1, "next")
    with pytest.raises(FrameLost), reader.read(reference):
        pass


def test_a_late_release_does_not_free_the_next_frame(
    pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    old = sealed(pool, reader.row, geometry, colour)
    reader.release(old)
    pool.sweep()
    new = sealed(pool, reader.row, geometry, colour)
    assert new.slot == old.slot
    reader.release(old)
    pool.sweep()
    with reader.read(new) as picture:
        assert picture.planes[0][0, 0] == 7


@pytest.mark.parametrize("slot", [-1, 2])
def test_a_slot_that_is_none_is_lost(pool: HostPool, open_reader: Open, slot: int) -> None:
    with pytest.raises(FrameLost), open_reader().read(FrameReference(pool.epoch, slot, 1)):
        pass


def test_a_reader_opens_again_when_the_owner_is_new(
    path: Path, pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    old = sealed(pool, reader.row, geometry, colour, 1)
    successor = HostPool.create(path, (SlotClass(1, geometry.size_bytes),))
    new = sealed(successor, 0, geometry, colour, 2)
    with reader.read(new) as picture:
        assert picture.planes[0][0, 0] == 2
    with pytest.raises(FrameLost), reader.read(old):
        pass
    successor.close()


def test_a_reference_of_an_older_owner_costs_the_reader_nothing(
    pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    """It must not open again: its row would change, and what it holds would count as a dead reader's."""
    reader = open_reader()
    held = sealed(pool, reader.row, geometry, colour)
    row = reader.row
    with pytest.raises(FrameLost), reader.read(FrameReference(pool.epoch + 2, 0, 1)):
        pass
    assert reader.row == row
    pool.sweep()
    with reader.read(held):
        pass


def test_a_reader_keeps_what_it_has_when_the_pool_is_not_there_any_more(
    path: Path, pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    held = sealed(pool, reader.row, geometry, colour)
    path.unlink()
    with pytest.raises(FrameLost), reader.read(FrameReference(pool.epoch + 2, 0, 1)):
        pass
    assert pool.is_alive(reader.row)
    with reader.read(held):
        pass


def test_without_a_pool_there_is_nothing_to_open(path: Path) -> None:
    with pytest.raises(Unavailable, match="is ingest of this lane running"):
        HostReader(path, "r").open()


@pytest.mark.parametrize("body", [b"", b"junk", bytes(8192), b"\xff" * 8192], ids=["empty", "short", "zeros", "ones"])
def test_a_file_that_is_no_pool_of_this_version_is_refused_with_a_sentence(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(Misconfigured, match="not a frame pool of this version"):
        HostReader(path, "r").open()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_pool_of_an_older_version_is_refused(path: Path, pool: HostPool) -> None:
    pool._segment.header[0]["version"] -= 1
    with pytest.raises(Misconfigured, match="not a frame pool of this version"):
        HostReader(path, "r").open()


def test_all_rows_can_be_taken_and_come_back(path: Path, pool: HostPool, open_reader: Open) -> None:
    readers = [open_reader() for _ in range(READERS)]
    late = HostReader(path, "late")
    with pytest.raises(Unavailable, match="rows"):
        late.open()
    readers[5].close()
    late.open()
    assert pool.is_alive(late.row)
    late.close()


def test_who_takes_the_row_of_a_dead_reader_is_not_taken_for_it(
    pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    dead = open_reader()
    row = dead.row
    sealed(pool, row, geometry, colour)
    dead.close()
    successor = open_reader()
    mine = sealed(pool, successor.row, geometry, colour)
    assert not pool.is_alive(row)
    pool.sweep()
    assert pool.ledger.held() == [mine.slot]


def test_what_is_sealed_for_a_reader_that_died_meanwhile_comes_back(
    pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    dead = open_reader()
    row = dead.row
    dead.close()
    open_reader()
    sealed(pool, row, geometry, colour)
    pool.sweep()
    assert pool.ledger.held() == []


def test_a_closed_reader_counts_as_alive_as_long_as_a_picture_of_it_is_looked_at(
    pool: HostPool, open_reader: Open, geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    row = reader.row
    reading = reader.read(sealed(pool, row, geometry, colour, 9))
    picture = reading.__enter__()
    reader.close()
    assert pool.is_alive(row)
    assert np.all(picture.planes[0] == 9)
    del picture, reading
    assert not pool.is_alive(row)
