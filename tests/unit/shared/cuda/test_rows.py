from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.cuda.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEMORY = np.arange(12 * 256, dtype=np.uint8).reshape(12, 256)
CHROMA = MEMORY[8:].reshape(4, 128, 2)


@pytest.mark.parametrize(
    ("array", "rows"),
    [
        (MEMORY[:7, :101], Rows(7, 101, 256)),
        (MEMORY[:7, 100:101], Rows(7, 1, 256)),
        (MEMORY[6:7, :101], Rows(1, 101, 101)),
        (CHROMA[:, :51], Rows(4, 102, 256)),
        (CHROMA[:, :1], Rows(4, 2, 256)),
        (MEMORY[::2], Rows(6, 256, 512)),
        (np.zeros((3, 5), np.int32), Rows(3, 20, 20)),
        (np.zeros(9, np.int16), Rows(9, 2, 2)),
    ],
)
def test_what_lies_in_rows_can_be_read_by_them(array: NDArray[np.uint8], rows: Rows) -> None:
    found = Rows.of(array)
    assert found == rows
    start = array.__array_interface__["data"][0]
    read = [ctypes.string_at(start + row * rows.pitch_bytes, rows.bytes_each) for row in range(rows.number)]
    assert b"".join(read) == array.tobytes()


@pytest.mark.parametrize(
    "array",
    [
        MEMORY[:, ::2],
        CHROMA[..., 0],
        MEMORY[::-1],
        MEMORY.T,
        np.broadcast_to(MEMORY[0], (5, 256)),
        MEMORY[:0],
        np.zeros((), np.uint8),
    ],
)
def test_what_does_not_lie_in_rows_is_none(array: NDArray[np.uint8]) -> None:
    assert Rows.of(array) is None
