from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shared.memory import locks
from shared.memory.host import HostPool
from shared.memory.layout import OWNER_LOCK, PAGE, SlotClass
from shared.memory.segment import remove_orphans, segment_path

if TYPE_CHECKING:
    from pathlib import Path

ONE = (SlotClass(1, PAGE),)


def test_the_pool_of_a_lane_lies_in_shared_memory() -> None:
    assert str(segment_path("a")) == "/dev/shm/visavis-a"  # noqa: S108  -- the very path is the point


def test_a_segment_whose_owner_lives_is_no_orphan(path: Path, pool: HostPool) -> None:
    assert remove_orphans(path.parent) == []
    assert path.exists()


def test_segments_of_dead_owners_and_half_made_ones_are_removed(tmp_path: Path) -> None:
    names = ["visavis-a", "visavis-a.0123abcd"]
    for name in [*names, "another-program"]:
        (tmp_path / name).write_bytes(b"left over")
    assert sorted(path.name for path in remove_orphans(tmp_path)) == names
    assert [path.name for path in tmp_path.iterdir()] == ["another-program"]


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "visavis-folder").mkdir()
    assert remove_orphans(tmp_path) == []


def test_a_segment_in_the_making_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reserving hundreds of megabytes takes a while: another stack that starts then must not take it away."""
    reserve = os.posix_fallocate
    removed: list[Path] = []

    def slowly(fd: int, offset: int, size: int) -> None:
        removed.extend(remove_orphans(tmp_path))
        reserve(fd, offset, size)

    monkeypatch.setattr(os, "posix_fallocate", slowly)
    HostPool.create(tmp_path / "visavis-a", ONE).close()
    assert removed == []


def test_a_segment_that_was_removed_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, calls = locks.try_lock, []

    def too_late(fd: int, byte: int) -> bool:
        calls.append(byte)
        if len(calls) == 1:
            remove_orphans(tmp_path)
            return True
        return lock(fd, byte)

    monkeypatch.setattr("shared.memory.segment.locks.try_lock", too_late)
    pool = HostPool.create(tmp_path / "visavis-a", ONE)
    assert (tmp_path / "visavis-a").exists()
    assert OWNER_LOCK in calls
    pool.close()
