from __future__ import annotations

import numpy as np
import pytest

from services.render.surface import PITCH_BYTES, Surface
from shared.model.pictures import Colour, Geometry, Matrix, PixelFormat
from tests.cuda.emulated import EmulatedCard
from tests.cuda.likeness import in_turn
from tests.unit.services.render.live import facts, moving


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


@pytest.mark.parametrize("size", [(64, 48), (256, 16), (300, 20), (63, 47), (1, 1)])
def test_chroma_follows_luma_at_once_and_rows_are_a_pitch_apart(size: tuple[int, int]) -> None:
    width, height = size
    surface = Surface.blank(EmulatedCard(), Geometry(PixelFormat.I420, width, height), Colour(Matrix.BT709))
    luma, chroma = surface.even
    rows, columns = height + height % 2, width + width % 2
    pitch = luma.strides[0]
    assert (pitch % PITCH_BYTES, pitch - columns < PITCH_BYTES) == (0, True)
    assert (luma.shape, luma.strides) == ((rows, columns), (pitch, 1))
    assert (chroma.shape, chroma.strides) == ((rows // 2, columns // 2, 2), (pitch, 2, 1))
    assert address(chroma) - address(luma) == pitch * rows
    assert surface.geometry == surface.picture.geometry == Geometry(PixelFormat.NV12, width, height)
    assert surface.picture.colour == Colour(Matrix.BT709)
    assert [plane.shape for plane in surface.picture.planes] == [
        (height, width),
        ((height + 1) // 2, (width + 1) // 2, 2),
    ]


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (64, 47), (63, 48)])
def test_what_an_odd_side_lacks_is_its_last_row_or_column_again(size: tuple[int, int]) -> None:
    of = facts(*size)
    picture, device = in_turn(moving(of, 1)), EmulatedCard()
    surface = Surface.blank(device, of.geometry, of.colour)
    surface.fill(device, picture.planes)
    width, height = size
    padded = np.pad(picture.planes[0], ((0, height % 2), (0, width % 2)), "edge")
    assert np.array_equal(surface.even[0], padded)
    assert np.array_equal(surface.even[1], picture.planes[1])
    assert all(np.array_equal(*both) for both in zip(surface.picture.planes, picture.planes, strict=True))
