from __future__ import annotations

import numpy as np
import pytest

from shared.memory import layout
from shared.model.pictures import Colour, Geometry, Matrix, PixelFormat


def test_slots_are_page_aligned_in_order_of_size_and_do_not_overlap() -> None:
    table, size = layout.place_slots((layout.SlotClass(2, 9000), layout.SlotClass(3, 100)))
    assert list(table["size"]) == [4096, 4096, 4096, 12288, 12288]
    assert not (table["offset"] % layout.PAGE).any()
    ends = table["offset"] + table["size"]
    assert list(table["offset"][1:]) == list(ends[:-1])
    assert ends[-1] == size


def test_the_table_ends_before_the_first_slot() -> None:
    table, _ = layout.place_slots((layout.SlotClass(500, 1),))
    assert layout.table_offset() + table.nbytes <= table["offset"][0]


@pytest.mark.parametrize("dtype", [layout.HEADER, layout.READER, layout.SLOT], ids=["header", "reader", "slot"])
def test_words_that_are_read_whole_are_aligned(dtype: np.dtype[np.void]) -> None:
    assert dtype.itemsize % 8 == 0
    assert dtype.fields is not None
    for field, (kind, offset, *_) in dtype.fields.items():
        assert kind.kind == "S" or offset % kind.itemsize == 0, field
    assert layout.readers_offset() % 8 == layout.table_offset() % 8 == 0


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
@pytest.mark.parametrize("matrix", list(Matrix))
@pytest.mark.parametrize("full_range", [True, False])
def test_what_is_described_is_read_back(pixel_format: PixelFormat, matrix: Matrix, full_range: bool) -> None:
    row = np.zeros(1, layout.SLOT)[0]
    said = Geometry(pixel_format, 1281, 719), Colour(matrix, full_range)
    layout.describe(row, *said)
    assert layout.described(row) == said


def test_a_holder_is_a_row_and_its_turn() -> None:
    holders = {layout.holder_of(row, turn): (row, turn) for row in range(layout.READERS) for turn in (1, 2, 99)}
    assert len(holders) == 3 * layout.READERS
    assert all(layout.row_and_turn(holder) == pair for holder, pair in holders.items())


def test_slots_of_a_card_begin_with_the_slab_which_is_whole_blocks() -> None:
    table, size = layout.place_card_slots((layout.SlotClass(2, 9000), layout.SlotClass(1, 3 << 20)))
    assert table["offset"].tolist() == [0, 12288, 24576]
    assert size == 4 << 20


def test_the_handles_of_a_card_lie_behind_the_slot_table() -> None:
    assert layout.slab_offset(7) == layout.table_offset() + 7 * layout.SLOT.itemsize
    assert layout.events_offset(7) == layout.slab_offset(7) + layout.SLAB.itemsize
    assert layout.card_segment_bytes(7) == layout.events_offset(7) + 7 * layout.HANDLE_BYTES
    assert layout.slab_offset(7) % 8 == 0
