from __future__ import annotations

import numpy as np
import pytest

from shared.model.colours import rgb_of_yuv, unit_rgb_of_yuv, yuv_of_rgb
from shared.model.pictures import Colour, Matrix

COLOURS = [Colour(matrix=matrix, full_range=full) for matrix in Matrix for full in (False, True)]


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_there_and_back_is_the_same(colour: Colour) -> None:
    forth, back = rgb_of_yuv(colour), yuv_of_rgb(colour)
    rgb = np.array([[0.0, 0, 0], [255, 255, 255], [255, 0, 0], [12, 200, 99]])
    yuv = rgb @ back[:, :3].T + back[:, 3]
    assert np.allclose(yuv @ forth[:, :3].T + forth[:, 3], rgb)


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_grey_has_no_colour_and_black_and_white_are_the_ends_of_the_range(colour: Colour) -> None:
    back = yuv_of_rgb(colour)
    black, white = back[:, 3], back @ (255, 255, 255, 1)
    assert np.allclose(black, [0 if colour.full_range else 16, 128, 128])
    assert np.allclose(white, [255 if colour.full_range else 235, 128, 128])


def test_red_is_that_of_the_standards() -> None:
    """Pure red in limited range: BT.601 81, 90, 240; BT.709 63, 102, 240 (rounded)."""
    for matrix, expected in ((Matrix.BT601, [81, 90, 240]), (Matrix.BT709, [63, 102, 240])):
        red = yuv_of_rgb(Colour(matrix=matrix, full_range=False)) @ (255, 0, 0, 1)
        assert np.round(red).astype(int).tolist() == expected


@pytest.mark.parametrize("matrix", Matrix)
def test_in_units_the_strongest_blue_and_red_have_half_a_unit_of_chroma(matrix: Matrix) -> None:
    yuv_of_unit_rgb = np.linalg.inv(unit_rgb_of_yuv(matrix))
    assert (yuv_of_unit_rgb @ (0, 0, 1))[1] == pytest.approx(0.5)
    assert (yuv_of_unit_rgb @ (1, 0, 0))[2] == pytest.approx(0.5)
    assert yuv_of_unit_rgb[0].sum() == pytest.approx(1)
