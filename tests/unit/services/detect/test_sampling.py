"""Small RGB pictures out of planes."""

from __future__ import annotations

import numpy as np
import pytest

from services.detect.sampling import rgb_of_yuv, sample_rgb
from shared.model.pictures import Colour, Geometry, Matrix, Picture, PixelFormat

AS_IT_IS = np.array([[1.0, 0, 0], [0, 1, 0]])
COLOURS = [Colour(matrix, full) for matrix in Matrix for full in (False, True)]


def flat(colour: Colour, yuv: tuple[int, int, int], width: int = 64, height: int = 48) -> Picture:
    picture = Picture.blank(Geometry(PixelFormat.I420, width, height), colour)
    for plane, value in zip(picture.planes, yuv, strict=True):
        plane[:] = value
    return picture


def rgb(pixels: np.ndarray) -> Picture:
    height, width, _ = pixels.shape
    return Picture.over(Geometry(PixelFormat.RGB24, width, height), Colour(), np.ascontiguousarray(pixels))


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_white_is_white_and_black_is_black(colour: Colour) -> None:
    low, high = (0, 255) if colour.full_range else (16, 235)
    for luma, expected in ((low, 0), (high, 255)):
        assert np.all(sample_rgb(flat(colour, (luma, 128, 128)), AS_IT_IS, (8, 8), black_outside=True) == expected)


@pytest.mark.parametrize(
    ("matrix", "yuv"),
    [(Matrix.BT601, (81, 90, 240)), (Matrix.BT709, (63, 102, 240))],  # red: BT.601-7 and BT.709-6, narrow range
)
def test_red_is_red(matrix: Matrix, yuv: tuple[int, int, int]) -> None:
    pixels = sample_rgb(flat(Colour(matrix), yuv), AS_IT_IS, (4, 4), black_outside=True)
    np.testing.assert_allclose(pixels[2, 2], (255, 0, 0), atol=2)


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_the_matrix_undoes_its_definition(colour: Colour) -> None:
    red, blue = {Matrix.BT601: (0.299, 0.114), Matrix.BT709: (0.2126, 0.0722), Matrix.BT2020: (0.2627, 0.0593)}[
        colour.matrix
    ]
    r, g, b = 200.0, 90.0, 30.0
    luma = red * r + (1 - red - blue) * g + blue * b
    chroma = np.array([(b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red)])
    stored = (luma, *(chroma + 128)) if colour.full_range else (luma * 219 / 255 + 16, *(chroma * 224 / 255 + 128))
    np.testing.assert_allclose(rgb_of_yuv(colour) @ (*stored, 1), (r, g, b), atol=1e-6)


def test_a_crop_is_where_the_matrix_points() -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[10:14, 20:26] = (250, 100, 50)
    crop = sample_rgb(rgb(pixels), np.array([[1.0, 0, 20], [0, 1, 10]]), (6, 4), black_outside=True)
    assert crop.shape == (4, 6, 3)
    assert np.all(crop == (250, 100, 50))


def test_chroma_lies_where_luma_does() -> None:
    picture = flat(Colour(), (120, 128, 128))
    picture.planes[2][10:20, 12:20] = 200  # luma columns 24..39, rows 20..39
    reddish = sample_rgb(picture, AS_IT_IS, (64, 48), black_outside=True)[:, :, 0] > 160
    rows, columns = np.nonzero(reddish)
    assert abs((columns.min() + columns.max()) / 2 - 31) <= 1
    assert abs((rows.min() + rows.max()) / 2 - 29.5) <= 1


@pytest.mark.parametrize("full_range", [False, True])
def test_beyond_the_edge_is_black_when_asked(full_range: bool) -> None:
    picture = flat(Colour(full_range=full_range), (200, 100, 150))
    outside = np.array([[1.0, 0, 500], [0, 1, 500]])
    assert sample_rgb(picture, outside, (8, 8), black_outside=True).max() == 0


def test_beyond_the_edge_is_the_edge_otherwise() -> None:
    picture = flat(Colour(), (200, 100, 150))
    outside = np.array([[1.0, 0, 500], [0, 1, 500]])
    inside = sample_rgb(picture, AS_IT_IS, (8, 8), black_outside=False)
    assert np.array_equal(sample_rgb(picture, outside, (8, 8), black_outside=False), inside)


def test_a_frame_that_may_not_be_written_is_read() -> None:
    picture = flat(Colour(), (120, 128, 128))
    memory = b"".join(plane.tobytes() for plane in picture.planes)
    readonly = Picture.over(picture.geometry, picture.colour, memory)
    assert sample_rgb(readonly, AS_IT_IS, (8, 8), black_outside=True).shape == (8, 8, 3)
