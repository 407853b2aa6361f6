"""How the pool's segment is laid out. Every word has one writer; eight-byte aligned words are read and written whole.

header       magic, version, epoch, number of slots; written by the owner before readers can open it
reader rows  a row of READER each; written by the worker that holds the row's lock
slot table   a row of SLOT each: `released` is written by the last holder, the rest by the owner
slots        page aligned
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from shared.model.pictures import Colour, Geometry, Matrix, PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = 0x5649_5341_5649_5331
VERSION = 1
PAGE = 4096
READERS = 64
READER = np.dtype([("turn", "<u8"), ("name", "S56")])
"""`turn`: how many have held the row, so that a successor is not taken for the dead; `name`: the worker's."""
HEADER = np.dtype([("magic", "<u8"), ("version", "<u8"), ("epoch", "<u8"), ("slots", "<u8")])
SLOT = np.dtype(
    [
        ("offset", "<u8"),
        ("size", "<u8"),
        ("generation", "<u8"),
        ("released", "<u8"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("format", "<u4"),
        ("matrix", "<u4"),
        ("full_range", "<u4"),
        ("reserved", "<u4"),
    ]
)
OWNER_LOCK = 0
"""The byte whose lock says that the owner, or a decoder that still writes for it, is alive."""
FIRST_READER_LOCK = 1
"""The byte whose lock says that the holder of reader row 0 is alive."""
_FORMATS = tuple(PixelFormat)
_MATRICES = tuple(Matrix)


class SlotClass(msgspec.Struct, frozen=True):
    """So many slots of one size."""

    count: int
    size_bytes: int


def readers_offset() -> int:
    """Where the reader rows begin."""
    return HEADER.itemsize


def table_offset() -> int:
    """Where the slot table begins."""
    return HEADER.itemsize + READERS * READER.itemsize


def holder_of(row: int, turn: int) -> int:
    """What the owner's books call the reader that took a row as its `turn`-th."""
    return turn * READERS + row


def row_and_turn(holder: int) -> tuple[int, int]:
    """The other way round."""
    turn, row = divmod(holder, READERS)
    return row, turn


def pixels_offset(slots: int) -> int:
    """Where the first slot begins."""
    return _pages(table_offset() + slots * SLOT.itemsize)


def place_slots(classes: tuple[SlotClass, ...]) -> tuple[NDArray[np.void], int]:
    """The slot table with offsets and sizes filled in, smallest slots first, and the segment's size in bytes."""
    sizes = sorted(_pages(one.size_bytes) for one in classes for _ in range(one.count))
    table = np.zeros(len(sizes), SLOT)
    end = pixels_offset(len(sizes))
    for row, size in zip(table, sizes, strict=True):
        row["offset"], row["size"] = end, size
        end += size
    return table, end


def describe(row: np.void, geometry: Geometry, colour: Colour) -> None:
    """Write what lies in the slot into its row."""
    row["width"], row["height"] = geometry.width, geometry.height
    row["format"] = _FORMATS.index(geometry.format)
    row["matrix"] = _MATRICES.index(colour.matrix)
    row["full_range"] = colour.full_range


def described(row: np.void) -> tuple[Geometry, Colour]:
    """What the slot's row says lies in it."""
    geometry = Geometry(_FORMATS[int(row["format"])], int(row["width"]), int(row["height"]))
    return geometry, Colour(_MATRICES[int(row["matrix"])], bool(row["full_range"]))


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
