"""Which regions are drawn at once."""

from __future__ import annotations

from services.render.cuda.layers import layered
from services.render.region import Region


def at(x: int, y: int, side: int = 10) -> Region:
    return Region(x, y, x + side, y + side, 2)


def test_regions_that_share_no_pixel_are_drawn_at_once() -> None:
    assert layered([at(0, 0), at(10, 0), at(0, 10)]) == [[0, 1, 2]]


def test_one_comes_after_all_that_it_overlaps() -> None:
    assert layered([at(0, 0), at(8, 0), at(16, 0), at(40, 0), at(17, 1)]) == [[0, 3], [1], [2], [4]]


def test_nothing_is_no_group() -> None:
    assert layered([]) == []
