"""How the pool's segment is laid out. Every word has one writer; eight-byte aligned words are read and written whole.

header       magic, version, epoch, number of slots; written by the owner before readers can open it
reader rows  a row of READER each; written by the worker that holds the row's lock
slot table   a row of SLOT each: `released` is written by the last holder, the rest by the owner
then, in the host's pool:
slots        page aligned
or, in the pool of a card, whose slots lie in the card's memory:
slab         a row of SLAB; written by the owner before readers can open it
events       a handle of an event for each slot; the same
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from shared.model.pictures import Colour, Geometry, Matrix, PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOST_MAGIC = 0x5649_5341_5649_5331
CARD_MAGIC = 0x5649_5341_4341_5244
VERSION = 2
CARD_BIT = 2
"""Set in the epochs of pools of cards, and in no other."""
PAGE = 4096
SLAB_ALIGNMENT = 2 << 20
"""What CUDA passes on is a whole block of that size, with all that lies in it."""
HANDLE_BYTES = 64
"""CUDA's handles of memory and of events, and so those of every card's memory."""
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
SLAB = np.dtype([("size", "<u8"), ("handle", "u1", HANDLE_BYTES), ("card", "S64")])
"""`card`: which card it is, as every process on this machine calls it."""
EVENT = np.dtype(("u1", HANDLE_BYTES))
OWNER_LOCK = 0
"""The byte whose lock says that the owner, or a decoder that still writes for it, is alive."""
FIRST_READER_LOCK = 1
"""The byte whose lock says that the holder of reader row 0 is alive."""
WRITER_LOCK = FIRST_READER_LOCK + READERS
"""The byte whose lock says that the process which writes into a card's slots, for the owner, is alive."""
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


def slab_offset(slots: int) -> int:
    """Where the row of the slab lies, in a pool of a card."""
    return table_offset() + slots * SLOT.itemsize


def events_offset(slots: int) -> int:
    """Where the handles of the events begin, in a pool of a card."""
    return slab_offset(slots) + SLAB.itemsize


def card_segment_bytes(slots: int) -> int:
    """Size of the segment of a card's pool."""
    return events_offset(slots) + slots * HANDLE_BYTES


def is_on_card(epoch: int) -> bool:
    """Whether frames of that epoch lie in a card's memory."""
    return bool(epoch & CARD_BIT)


def place_slots(classes: tuple[SlotClass, ...]) -> tuple[NDArray[np.void], int]:
    """The slot table with offsets and sizes filled in, smallest slots first, and the segment's size in bytes."""
    return _placed(classes, pixels_offset(sum(one.count for one in classes)))


def place_card_slots(classes: tuple[SlotClass, ...]) -> tuple[NDArray[np.void], int]:
    """The slot table with offsets within the slab, smallest slots first, and the slab's size in bytes."""
    table, end = _placed(classes, 0)
    return table, -(-end // SLAB_ALIGNMENT) * SLAB_ALIGNMENT


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


def _placed(classes: tuple[SlotClass, ...], start: int) -> tuple[NDArray[np.void], int]:
    """The slots one after the other from `start` on, and where the last one ends."""
    sizes = sorted(_pages(one.size_bytes) for one in classes for _ in range(one.count))
    table = np.zeros(len(sizes), SLOT)
    end = start
    for row, size in zip(table, sizes, strict=True):
        row["offset"], row["size"] = end, size
        end += size
    return table, end


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
