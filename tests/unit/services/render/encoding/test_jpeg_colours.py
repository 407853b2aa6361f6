from __future__ import annotations

import numpy as np
import pytest

from services.render.encoding.jpeg_colours import JFIF, JpegColours
from shared.model.colours import rgb_of_yuv
from shared.model.pictures import Colour, Matrix, Picture
from tests.unit.services.render.live import facts, moving

COLOURS = [Colour(matrix, full_range) for matrix in Matrix for full_range in (False, True)]


def rgb(picture: Picture) -> np.ndarray:
    """[rows, columns, 3] of an even picture, chroma repeated."""
    y, cb, cr = picture.planes
    wide = [plane.repeat(2, 0).repeat(2, 1)[: y.shape[0], : y.shape[1]] for plane in (cb, cr)]
    return np.clip(np.stack([y, *wide, np.ones_like(y)], -1) @ rgb_of_yuv(picture.colour).T, 0, 255)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1)])
def test_the_converted_picture_shows_the_same(size: tuple[int, int], colour: Colour) -> None:
    picture = moving(facts(*size, colour=colour), 3)
    converted = JpegColours(colour).converted(picture)
    assert converted.colour == JFIF
    assert converted.geometry == picture.geometry
    assert np.abs(rgb(converted) - rgb(picture)).max() < 3


def test_what_is_so_already_is_not_copied() -> None:
    picture = moving(facts(colour=JFIF), 0)
    assert JpegColours(JFIF).converted(picture) is picture


def test_black_and_white_become_the_ends_of_the_range() -> None:
    picture = moving(facts(colour=Colour(Matrix.BT709)), 0)
    picture.planes[0][:48], picture.planes[0][48:] = 16, 235
    for plane in picture.planes[1:]:
        plane[...] = 128
    converted = JpegColours(picture.colour).converted(picture)
    assert {int(sample) for sample in np.unique(converted.planes[0])} == {0, 255}
    assert all((plane == 128).all() for plane in converted.planes[1:])
