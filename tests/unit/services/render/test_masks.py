from __future__ import annotations

import numpy as np
import pytest

from services.render.masks import feathered, filled, likeness, mean, mean_of, median, ramp, share, stroked

SQUARE = np.array([(4, 3), (12, 3), (12, 9), (4, 9)], np.float32)


def test_a_ring_is_filled_and_far_points_do_no_harm() -> None:
    mask = filled((16, 20), [SQUARE, np.array([(1e9, 0), (1e9, 5), (-1e9, 5)], np.float32)])
    assert mask[6, 8] == 255
    assert mask[14, 8] == 0


def test_rings_are_smooth_along_their_edges() -> None:
    mask = filled((16, 20), [SQUARE + np.float32(0.5)])
    assert len(np.unique(mask)) > 2


def test_a_line_thinner_than_a_cell_is_fainter() -> None:
    line = np.array([(2, 8), (18, 8)], np.float32)
    thin, thick = (stroked((16, 20), line, width) for width in (0.5, 3.0))
    assert 100 < thin[8, 10] < 160
    assert thick[7:10, 10].min() > 200
    assert not thin[12:].any()


def test_feathering_goes_from_one_to_nothing_over_its_radius() -> None:
    edge = feathered(filled((20, 20), [SQUARE]), 2)
    assert edge[6, 8] == pytest.approx(1)
    assert 0 < edge[6, 12] < 1
    assert edge[6, 16] == 0


def test_a_mean_is_that_of_the_window() -> None:
    grid = np.zeros((9, 9), np.float32)
    grid[4, 4] = 9
    assert mean(grid, 1)[3:6, 3:6] == pytest.approx(np.ones((3, 3)))


def test_in_a_mean_by_weight_a_cell_without_weight_counts_nothing() -> None:
    plane, weight = np.full((9, 9), 8, np.float32), np.ones((9, 9), np.float32)
    plane[4, 4], weight[4, 4] = 200, 1e-6
    assert mean_of(plane, weight, 1) == pytest.approx(np.full((9, 9), 8), abs=0.01)
    weight[4, 4] = 8
    assert mean_of(plane, weight, 1)[4, 4] == pytest.approx((8 * 8 + 200 * 8) / 16)


@pytest.mark.parametrize(("nothing", "whole"), [(10, 20), (20, 10)])
def test_a_ramp_rises_or_falls_and_stays_within_0_and_1(nothing: float, whole: float) -> None:
    found = ramp(np.array([[0, 10, 15, 20, 40]], np.float32), nothing, whole)[0]
    rising = [0, 0, 0.5, 1, 1]
    assert found == pytest.approx(rising if nothing < whole else rising[::-1])


def test_a_colour_is_like_its_samples_and_not_like_others() -> None:
    plane = np.array([[100, 104, 130]], np.float32)
    samples = np.array([98, 100, 101, 102, 99], np.float32)
    same, near, other = likeness([plane], [samples], (3.0, 7.0))[0]
    assert same == 1
    assert 0 < near <= 1
    assert other == 0


def test_shares_and_medians_are_what_they_say() -> None:
    assert share(np.array([[0, 255]], np.uint8))[0] == pytest.approx((0, 1))
    assert median(np.array([5, 1, 9], np.float32)) == 5
