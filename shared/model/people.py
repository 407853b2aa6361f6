"""Where the people of a frame are, and where what is behind them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Annotated, Self

import msgspec
import numpy as np

from shared.model.errors import Malformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_SIDE = 1024
"""Rows and columns at most, so that a short body cannot ask for much memory."""
_LEVEL = 1
"""Of zlib: real masks of 64 KiB become 3 to 9 KiB by it in 0.1 ms, and a tenth less by level 6 in 0.5 to 0.7."""

Side = Annotated[int, msgspec.Meta(ge=1, le=MOST_SIDE)]


class PeopleMask(msgspec.Struct, frozen=True, array_like=True):
    """How far each part of a frame belongs to people: a small picture, stretched over the whole upright frame."""

    rows: Side
    """From the frame's upper edge to its lower one, whatever the frame's height."""
    columns: Side
    """From its left edge to its right one, whatever its width."""
    body: bytes
    """The samples as they travel: row by row, uint8, packed by zlib."""

    @property
    def alpha(self) -> NDArray[np.uint8]:
        """uint8 [rows, columns], read-only, 0..255: 255 is a person, 0 the background; unpacked at each call.

        Raises Malformed if the body is no packing of so many samples; no more memory than for these is used.
        """
        size = self.rows * self.columns
        unpacking = zlib.decompressobj()
        try:
            samples = unpacking.decompress(self.body, size)
            rest = unpacking.decompress(unpacking.unconsumed_tail, 1)
        except zlib.error as error:
            raise Malformed(f"A mask of people cannot be unpacked: {error}.") from error
        if len(samples) != size or rest or not unpacking.eof or unpacking.unused_data:
            raise Malformed(f"A mask of people does not have the {self.rows} x {self.columns} samples that it says.")
        return np.frombuffer(samples, np.uint8).reshape(self.rows, self.columns)

    @classmethod
    def of(cls, alpha: NDArray[np.uint8]) -> Self:
        """The mask with these samples, uint8 [rows, columns] of 1..MOST_SIDE each; ValueError for other arrays."""
        if alpha.dtype != np.uint8 or alpha.ndim != 2 or not all(1 <= side <= MOST_SIDE for side in alpha.shape):
            raise ValueError(
                f"A mask of people is uint8 [1..{MOST_SIDE}, 1..{MOST_SIDE}], not {alpha.dtype} {alpha.shape}."
            )
        rows, columns = alpha.shape
        return cls(rows, columns, zlib.compress(alpha.tobytes(), _LEVEL))

    def __repr__(self) -> str:
        return f"<PeopleMask {self.columns}x{self.rows}>"
