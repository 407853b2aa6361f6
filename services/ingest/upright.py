"""How stored samples must be turned and mirrored to stand upright, and the copy that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE = 128
"""Rows and columns copied at once when turning: both sides of the tile stay in the cache."""
_EXIF = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
"""CIPA DC-008 (EXIF 2.32) tag 0x0112: where row 0 and column 0 of the stored picture belong."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """First rows and columns are exchanged (`turned`), then columns and rows are taken in reverse."""

    turned: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @classmethod
    def of_matrix(cls, matrix: bytes) -> Self:
        """From a display matrix: nine int32 a b u, c d v, x y w, where (p, q) is shown at (a p + c q, b p + d q).

        ISO 14496-12, 6.2.2. What is no multiple of 90 degrees is taken for the nearest one.
        """
        if len(matrix) < 36:
            return cls()
        a, b, _, c, d = (int(value) for value in np.frombuffer(matrix, "=i4", 5))
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(turned=True, mirrored_x=c < 0, mirrored_y=b < 0)
        return cls(mirrored_x=a < 0, mirrored_y=d < 0)

    @classmethod
    def of_exif(cls, value: int) -> Self:
        """From the EXIF orientation, 1..8; anything else is upright."""
        return cls(*_EXIF.get(value, _EXIF[1]))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return (height, width) if self.turned else (width, height)

    def upright(self, stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`stored` [rows, columns, ...] seen upright, without a copy."""
        seen = stored.swapaxes(0, 1) if self.turned else stored
        return seen[:: -1 if self.mirrored_y else 1, :: -1 if self.mirrored_x else 1]

    def as_stored(self, upright: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The inverse of `upright`: an upright plane seen in the order in which its samples are stored."""
        seen = upright[:: -1 if self.mirrored_y else 1, :: -1 if self.mirrored_x else 1]
        return seen.swapaxes(0, 1) if self.turned else seen

    def copy(self, stored: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
        """Copy `stored` upright into `target`, whose shape is the upright one."""
        seen = self.upright(stored)
        if not self.turned:
            np.copyto(target, seen)
            return
        for top in range(0, target.shape[0], _TILE):
            for left in range(0, target.shape[1], _TILE):
                tile = np.s_[top : top + _TILE, left : left + _TILE]
                np.copyto(target[tile], seen[tile])
