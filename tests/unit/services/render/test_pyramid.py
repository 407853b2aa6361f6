"""Pictures are shown small as means of what they are large, and only the last ones are kept."""

from __future__ import annotations

import numpy as np
import pytest

from services.render.pyramid import Pyramid, Pyramids, premultiplied


def picture(columns: int, rows: int, rgba: tuple[int, int, int, int] = (200, 100, 50, 255)) -> np.ndarray:
    return np.full((rows, columns, 4), rgba, np.uint8)


def test_colours_count_by_their_alpha() -> None:
    assert premultiplied(picture(1, 1, (200, 100, 50, 51)))[0, 0] == pytest.approx((40, 20, 10, 51))


def test_what_is_transparent_has_no_colour_that_could_bleed() -> None:
    half = picture(4, 4)
    half[:, 2:] = (255, 0, 255, 0)
    small = Pyramid(half).level(4)
    assert small[0, 0] == pytest.approx((100, 50, 25, 127.5))


@pytest.mark.parametrize(
    ("texels", "size"),
    [(0.1, (100, 60)), (1, (100, 60)), (1.4, (100, 60)), (1.5, (50, 30)), (4, (25, 15)), (8, (13, 8))],
)
def test_the_level_fits_what_is_drawn(texels: float, size: tuple[int, int]) -> None:
    assert Pyramid(picture(100, 60)).level(texels).shape == (size[1], size[0], 4)


def test_the_smallest_level_is_one_pixel_of_the_mean() -> None:
    checks = picture(64, 64, (0, 0, 0, 255))
    checks[::2, ::2] = checks[1::2, 1::2] = 255
    assert Pyramid(checks).level(1e9)[0, 0] == pytest.approx((127.5, 127.5, 127.5, 255))


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (300, 200), (64, 1024)])
def test_where_something_shows_is_known(size: tuple[int, int]) -> None:
    columns, rows = size
    sums = Pyramid(picture(columns, rows)).shown
    assert sums[-1, -1] == (sums.shape[0] - 1) * (sums.shape[1] - 1) > 0
    assert Pyramid(picture(columns, rows, (9, 9, 9, 0))).shown[-1, -1] == 0


def test_one_pixel_shows() -> None:
    dot = picture(1000, 1000, (0, 0, 0, 0))
    dot[700, 200] = 255
    sums = Pyramid(dot).shown
    side = sums.shape[0] - 1
    row, column = 700 * side // 1000, 200 * side // 1000
    assert sums[row + 1, column + 1] - sums[row, column + 1] - sums[row + 1, column] + sums[row, column] == 1
    assert 25 <= sums[-1, -1] <= 49


def test_levels_are_the_same_in_whatever_order_they_are_asked_for() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (37, 70, 4)).astype(np.uint8)
    down, up = Pyramid(noise), Pyramid(noise)
    finest_first = [down.level(2.0**number) for number in range(6)]
    coarsest_first = [up.level(2.0**number) for number in reversed(range(6))][::-1]
    assert all(np.allclose(*pair, atol=1e-3) for pair in zip(finest_first, coarsest_first, strict=True))


def test_only_levels_that_were_asked_for_take_memory() -> None:
    pyramid = Pyramid(picture(1024, 1024))
    assert pyramid.size_bytes == 0
    pyramid.level(8)
    assert pyramid.size_bytes == 128 * 128 * 16


def used(pyramids: Pyramids, asset: str, frame: int) -> Pyramid:
    pyramid = pyramids.of(asset, frame, picture(10, 10))
    pyramid.level(1)
    return pyramid


def test_a_pyramid_is_made_once_and_those_used_last_are_kept() -> None:
    pyramids = Pyramids(most_bytes=2 * 10 * 10 * 16)
    first, second = used(pyramids, "a", 0), used(pyramids, "a", 1)
    assert used(pyramids, "a", 0) is first
    used(pyramids, "b", 0)
    assert used(pyramids, "a", 0) is first
    assert used(pyramids, "a", 1) is not second


def test_one_larger_than_all_that_may_be_kept_is_kept_alone() -> None:
    pyramids = Pyramids(most_bytes=1)
    large = used(pyramids, "a", 0)
    assert used(pyramids, "a", 0) is large
