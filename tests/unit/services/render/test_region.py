from __future__ import annotations

import numpy as np
import pytest

from services.render.region import Region, Scratch, halved, step_of

POINTS = np.array([(33.0, 41.0), (60.0, 75.0)], np.float32)


def test_corners_lie_on_the_grid_and_the_points_inside() -> None:
    region = Region.around(POINTS, 3, 8, (200, 100))
    assert region == Region(24, 32, 64, 80, 8)


def test_only_the_pictures_own_edge_cuts_cells_short() -> None:
    region = Region.around(POINTS, 3, 8, (63, 79))
    assert region == Region(24, 32, 63, 79, 8)
    assert region.cells == (6, 5)
    assert region.shape(1) == (47, 39)
    assert region.shape(2) == (24, 20)


@pytest.mark.parametrize("away", [-500, 500])
def test_there_is_no_region_off_the_picture(away: float) -> None:
    assert Region.around(POINTS + np.float32(away), 3, 8, (200, 100)) is None


def test_a_cut_is_a_view_of_the_samples_that_the_region_covers() -> None:
    luma, chroma = np.zeros((79, 63), np.uint8), np.zeros((40, 32), np.uint8)
    region = Region(24, 32, 63, 79, 8)
    region.cut(luma, 1)[...] = 1
    region.cut(chroma, 2)[...] = 1
    assert luma[32:, 24:].all()
    assert luma.sum() == 47 * 39
    assert chroma[16:, 12:].all()
    assert chroma.sum() == 24 * 20


def test_a_cells_centre_is_its_own_coordinate() -> None:
    region = Region(24, 32, 64, 80, 8)
    xs, ys = region.centres_px()
    assert region.to_grid(np.array([(xs[3], ys[2])], np.float32))[0] == pytest.approx((3, 2))


@pytest.mark.parametrize("subsampling", [1, 2])
def test_gathering_takes_the_mean_of_each_cell(subsampling: int) -> None:
    region = Region(0, 0, 32, 24, 8)
    cells = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    side = 8 // subsampling
    assert region.gather(np.kron(cells, np.ones((side, side), np.uint8)), subsampling) == pytest.approx(cells)


@pytest.mark.parametrize("subsampling", [1, 2])
def test_what_is_gathered_spreads_back_in_place_at_odd_edges_too(subsampling: int) -> None:
    region = Region(0, 0, 61, 45, 4)
    rows, columns = np.mgrid[: region.shape(subsampling)[0], : region.shape(subsampling)[1]] * subsampling
    ramp = (rows + 2 * columns).astype(np.uint8)
    spread = region.spread(region.gather(ramp, subsampling), subsampling, Scratch(), "ramp")
    assert spread.shape == ramp.shape
    assert np.abs(spread - ramp)[4:-5, 4:-5].max() < 1.1


@pytest.mark.parametrize("subsampling", [1, 2])
def test_without_a_field_every_sample_comes_from_itself_exactly(subsampling: int) -> None:
    region = Region(8, 16, 701, 513, 8)
    whence = region.whence(np.zeros((*region.cells, 2), np.float32), subsampling, Scratch())
    rows, columns = np.indices(region.shape(subsampling))
    assert np.array_equal(whence[..., 0], columns)
    assert np.array_equal(whence[..., 1], rows)


def test_a_field_is_counted_in_samples_and_goes_on_beyond_the_last_centres() -> None:
    region = Region(0, 0, 64, 48, 8)
    field = np.full((*region.cells, 2), (3.0, -1.0), np.float32)
    whence = region.whence(field, 2, Scratch())
    assert whence[0, 0] == pytest.approx((1.5, -0.5))
    assert whence[-1, -1] == pytest.approx((31 + 1.5, 23 - 0.5))


def test_a_part_is_counted_from_the_regions_own_corner() -> None:
    plane = np.arange(80 * 90).reshape(80, 90).astype(np.uint8)
    outer, inner = Region(16, 8, 80, 72, 8), Region(24, 32, 40, 48, 8)
    assert np.array_equal(outer.cut(plane, 1)[outer.part(inner)], inner.cut(plane, 1))


def test_scratch_gives_the_same_memory_again_as_long_as_it_suffices() -> None:
    scratch = Scratch()
    first = scratch.take("a", (10, 20))
    assert np.shares_memory(first, scratch.take("a", (5, 7)))
    assert not np.shares_memory(first, scratch.take("b", (5, 7)))
    assert scratch.take("a", (30, 20)).shape == (30, 20)


def test_scratch_copies_samples_into_its_own_memory() -> None:
    scratch, samples = Scratch(), np.arange(20, dtype=np.uint8).reshape(4, 5)
    copy = scratch.copy(samples[:, 1:], "a")
    assert np.array_equal(copy, samples[:, 1:])
    assert np.shares_memory(copy, scratch.take_bytes("a", (1,)))


def test_cells_of_a_part_are_those_of_the_whole_at_its_place() -> None:
    whole = Region(8, 16, 72, 80, 8)
    part = Region(24, 32, 40, 64, 8)
    assert whole.cells_of(part) == (slice(2, 6), slice(2, 4))
    rows, columns = whole.cells_of(part)
    (xs, ys), (some_xs, some_ys) = whole.centres_px(), part.centres_px()
    assert np.array_equal(xs[columns], some_xs)
    assert np.array_equal(ys[rows], some_ys)


@pytest.mark.parametrize(("size_px", "step"), [(0.5, 2), (100, 2), (128.1, 4), (300, 8), (5000, 128)])
def test_cells_are_as_large_as_they_must_be_and_a_power_of_two(size_px: float, step: int) -> None:
    assert step_of(size_px, 64) == step


@pytest.mark.parametrize("subsampling", [1, 2])
def test_a_part_is_spread_to_what_the_whole_is_spread_to_there(subsampling: int) -> None:
    whole, scratch = Region(0, 0, 90, 70, 8), Scratch()
    grid = np.random.default_rng(1).uniform(0, 255, whole.cells).astype(np.float32)
    everywhere = whole.spread(grid, subsampling, scratch, "whole").copy()
    for part in (whole, Region(0, 0, 16, 24, 8), Region(40, 16, 90, 70, 8), Region(88, 64, 90, 70, 8)):
        rows = slice(part.y0 // subsampling, -(-part.y1 // subsampling))
        columns = slice(part.x0 // subsampling, -(-part.x1 // subsampling))
        spread = whole.spread_part(grid, part, subsampling, scratch, "part")
        assert np.allclose(spread, everywhere[rows, columns], atol=1e-4)


def test_halving_takes_the_last_row_and_column_of_odd_sizes_twice() -> None:
    samples = np.array([(10, 20, 30), (30, 40, 50), (90, 90, 200)], np.uint8)
    assert halved(samples, Scratch()).tolist() == [[25, 40], [90, 200]]
