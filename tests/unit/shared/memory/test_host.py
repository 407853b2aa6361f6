from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.memory import locks
from shared.memory.host import HostPool
from shared.memory.layout import OWNER_LOCK, PAGE, SlotClass
from shared.memory.ledger import SlotState
from shared.memory.reader import HostReader
from shared.memory.segment import FOLDER
from shared.model.errors import FrameLost, Misconfigured, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.pictures import Colour, Geometry

ONE = (SlotClass(1, PAGE),)


def test_a_pool_lies_at_its_path_whole_and_locked(path: Path, pool: HostPool) -> None:
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert path.stat().st_size == pool.size_bytes
    assert path.stat().st_mode & 0o777 == 0o600
    fd = os.open(path, os.O_RDWR)
    assert locks.is_locked(fd, OWNER_LOCK)
    os.close(fd)


def test_all_its_memory_is_there_from_the_start(path: Path, pool: HostPool) -> None:
    assert path.stat().st_blocks * 512 >= pool.size_bytes


def test_memory_that_is_not_to_be_had_is_said_at_the_start() -> None:
    total = os.statvfs(FOLDER)
    if total.f_blocks == 0:
        pytest.skip(f"{FOLDER} has no limit here.")
    path = FOLDER / f"visavis-too-large-{os.getpid()}"
    with pytest.raises(Misconfigured, match=r"needs \d+ MiB of shared memory in /dev/shm .*raise the limit"):
        HostPool.create(path, (SlotClass(1, total.f_blocks * total.f_frsize),))
    assert not list(FOLDER.glob(f"{path.name}*"))


def test_a_folder_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="No such file"):
        HostPool.create(tmp_path / "missing" / "visavis-a", ONE)


def test_a_leased_slot_is_as_large_as_asked_and_its_extent_is_where_its_planes_lie(
    pool: HostPool, geometry: Geometry, colour: Colour
) -> None:
    slot = pool.lease(geometry.size_bytes, "s")
    assert slot is not None
    pool.writable(slot, geometry, colour).planes[0][:] = 42
    offset, size = pool.extent(slot)
    assert size >= geometry.size_bytes
    assert os.pread(pool.fd, 16, offset) == b"\x2a" * 16


def test_none_is_left_when_all_are_in_use(pool: HostPool) -> None:
    assert {pool.lease(1, "s"), pool.lease(1, "s")} == {0, 1}
    assert pool.lease(1, "s") is None


def test_what_fits_no_slot_is_unavailable(pool: HostPool) -> None:
    with pytest.raises(Unavailable, match="largest"):
        pool.lease(PAGE + 1, "s")


def test_only_a_leased_slot_is_writable(pool: HostPool, geometry: Geometry, colour: Colour) -> None:
    with pytest.raises(FrameLost):
        pool.writable(0, geometry, colour)
    slot = pool.lease(geometry.size_bytes, "s")
    assert slot is not None
    pool.seal(slot, geometry, colour, 0)
    with pytest.raises(FrameLost):
        pool.writable(slot, geometry, colour)


def test_a_frame_larger_than_its_slot_is_not_sealed(pool: HostPool, geometry: Geometry, colour: Colour) -> None:
    slot = pool.lease(1, "s")
    assert slot is not None
    with pytest.raises(FrameLost, match="does not fit"):
        pool.seal(slot, type(geometry)(geometry.format, 4000, 4000), colour, 0)


def test_an_abandoned_slot_is_free_again(pool: HostPool) -> None:
    for _ in range(5):
        slot = pool.lease(1, "s")
        assert slot is not None
        pool.abandon(slot)


def test_every_lease_is_a_new_generation(
    pool: HostPool, open_reader: Callable[[], HostReader], geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    seen = set()
    for _ in range(5):
        slot = pool.lease(1, "s")
        assert slot is not None
        reference = pool.seal(slot, geometry, colour, reader.row)
        seen.add((reference.slot, reference.generation))
        reader.release(reference)
    assert len(seen) == 5


def test_slots_of_an_unconfirmed_end_stay_until_their_holder_is_dead(
    pool: HostPool, open_reader: Callable[[], HostReader], geometry: Geometry, colour: Colour
) -> None:
    reader = open_reader()
    slot = pool.lease(1, "s")
    assert slot is not None
    pool.seal(slot, geometry, colour, reader.row)
    pool.end_session("s", confirmed=False)
    pool.sweep()
    assert pool.ledger.state(slot) is SlotState.QUARANTINED
    reader.close()
    pool.sweep()
    assert pool.ledger.state(slot) is SlotState.FREE


def test_a_successor_takes_the_path_and_the_old_owner_leaves_it_alone(path: Path) -> None:
    pool = HostPool.create(path, ONE)
    successor = HostPool.create(path, ONE)
    assert successor.epoch != pool.epoch
    pool.close()
    reader = HostReader(path, "r")
    reader.open()
    assert reader.epoch == successor.epoch
    reader.close()
    successor.close()
    assert not path.exists()
