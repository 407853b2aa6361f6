"""Memory that uploads go through."""

from __future__ import annotations

import numpy as np

from shared.cuda.staging import HALF_BYTES, Staging


class Marks:
    """Each mark says when it was waited for."""

    def __init__(self) -> None:
        self.made = 0
        self.waited: list[int] = []

    def __call__(self) -> Mark:
        self.made += 1
        return Mark(self, self.made)


class Mark:
    def __init__(self, marks: Marks, number: int) -> None:
        self._marks, self._number = marks, number

    def wait(self) -> None:
        self._marks.waited.append(self._number)


def staging() -> tuple[Staging, Marks]:
    marks = Marks()
    return Staging(np.zeros(2 * HALF_BYTES, np.uint8), marks), marks


def test_what_is_taken_is_a_copy_of_any_layout() -> None:
    memory, _ = staging()
    host = np.arange(60, dtype=np.float32).reshape(6, 10)[::2, 1:]
    part = memory.take(host)
    assert part is not None
    assert (part.view(np.float32).reshape(host.shape) == host).all()


def test_parts_do_not_overlap_until_both_halves_are_full() -> None:
    memory, marks = staging()
    parts = [memory.take(np.full(HALF_BYTES // 4, level, np.uint8)) for level in range(8)]
    assert all(part is not None and (part == level).all() for level, part in enumerate(parts))
    assert marks.waited == []


def test_a_half_is_written_again_when_its_copies_are_done() -> None:
    memory, marks = staging()
    for level in range(13):
        memory.take(np.full(HALF_BYTES // 4, level, np.uint8))
    assert marks.waited == [1, 2]


def test_nothing_is_an_empty_part_and_the_too_large_none() -> None:
    memory, _ = staging()
    nothing = memory.take(np.zeros(0, np.float32))
    assert nothing is not None
    assert nothing.size == 0
    assert memory.take(np.zeros(HALF_BYTES + 1, np.uint8)) is None
