from __future__ import annotations

import numpy as np
import pytest

from shared.model.colours import rgb_of_yuv, steps_of, unit_rgb_of_yuv, yuv_of_rgb
from shared.model.pictures import Colour, Matrix

COLOURS = [Colour(matrix, full_range) for matrix in Matrix for full_range in (False, True)]


@pytest.mark.parametrize("colour", COLOURS)
def test_there_and_back_is_the_same(colour: Colour) -> None:
    rgb = np.array([(12.0, 200.0, 90.0, 1.0), (255.0, 0.0, 30.0, 1.0)]).T
    yuv = np.vstack([yuv_of_rgb(colour) @ rgb, np.ones(2)])
    assert np.allclose(rgb_of_yuv(colour) @ yuv, rgb[:3])


@pytest.mark.parametrize("colour", COLOURS)
def test_black_and_white_lie_at_the_ends_of_the_range(colour: Colour) -> None:
    black, steps, _ = steps_of(colour)
    assert rgb_of_yuv(colour) @ (black, 128, 128, 1) == pytest.approx((0, 0, 0), abs=1e-9)
    assert rgb_of_yuv(colour) @ (black + steps, 128, 128, 1) == pytest.approx((255, 255, 255))


@pytest.mark.parametrize("matrix", Matrix)
def test_in_units_the_strongest_blue_and_red_have_half_a_unit_of_chroma(matrix: Matrix) -> None:
    yuv_of_unit_rgb = np.linalg.inv(unit_rgb_of_yuv(matrix))
    assert (yuv_of_unit_rgb @ (0, 0, 1))[1] == pytest.approx(0.5)
    assert (yuv_of_unit_rgb @ (1, 0, 0))[2] == pytest.approx(0.5)
    assert yuv_of_unit_rgb[0].sum() == pytest.approx(1)
