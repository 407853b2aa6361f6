from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shared.memory.locks import is_locked, try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """One file, opened twice."""
    opened = tuple(os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT) for _ in range(2))
    yield opened[0], opened[1]
    for fd in opened:
        try:
            os.close(fd)
        except OSError:
            continue  # the test has closed it


def test_a_byte_is_locked_by_one_open_file_only(files: tuple[int, int]) -> None:
    mine, other = files
    assert try_lock(mine, 3)
    assert not try_lock(other, 3)
    assert try_lock(other, 4)


def test_a_lock_is_seen_by_others_and_not_by_its_holder(files: tuple[int, int]) -> None:
    mine, other = files
    try_lock(mine, 3)
    assert is_locked(other, 3)
    assert not is_locked(mine, 3)
    assert not is_locked(other, 2)


def test_closing_lets_go(files: tuple[int, int]) -> None:
    mine, other = files
    try_lock(mine, 3)
    os.close(mine)
    assert not is_locked(other, 3)


def test_a_copy_of_the_descriptor_keeps_it(files: tuple[int, int]) -> None:
    mine, other = files
    try_lock(mine, 3)
    copy = os.dup(mine)
    os.close(mine)
    assert is_locked(other, 3)
    os.close(copy)
    assert not is_locked(other, 3)
