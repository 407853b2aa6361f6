from __future__ import annotations

import numpy as np
import pytest

from services.render.encoding.raw_samples import samples_of
from shared.model.colours import rgb_of_yuv
from shared.model.live import LiveCodec
from shared.model.pictures import Colour, Matrix, Picture
from tests.cuda.likeness import in_turn
from tests.unit.services.render.live import facts, moving

COLOURS = [Colour(matrix, full_range) for matrix in Matrix for full_range in (False, True)]


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1)])
def test_i420_is_plane_after_plane(size: tuple[int, int]) -> None:
    picture = moving(facts(*size), 3)
    again = Picture.over(picture.geometry, picture.colour, samples_of(picture, LiveCodec.I420))
    assert all(np.array_equal(a, b) for a, b in zip(again.planes, picture.planes, strict=True))


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_nv12_has_cb_and_cr_side_by_side(size: tuple[int, int]) -> None:
    picture = moving(facts(*size), 3)
    y, cb, cr = picture.planes
    flat = np.frombuffer(samples_of(picture, LiveCodec.NV12), np.uint8)
    assert np.array_equal(flat[: y.size].reshape(y.shape), y)
    chroma = flat[y.size :].reshape(*cb.shape, 2)
    assert np.array_equal(chroma[..., 0], cb)
    assert np.array_equal(chroma[..., 1], cr)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_rgb24_is_what_the_picture_shows(size: tuple[int, int], colour: Colour) -> None:
    picture = moving(facts(*size, colour=colour), 3)
    shown = np.frombuffer(samples_of(picture, LiveCodec.RGB24), np.uint8).reshape(size[1], size[0], 3)
    for row, column in ((2, 2), (30, 10), (40, 60)):
        yuv = [*(plane[row // (1 + (i > 0)), column // (1 + (i > 0))] for i, plane in enumerate(picture.planes)), 1]
        assert np.abs(np.clip(rgb_of_yuv(colour) @ yuv, 0, 255) - shown[row, column]).max() < 3


@pytest.mark.parametrize("codec", [LiveCodec.I420, LiveCodec.NV12, LiveCodec.RGB24])
@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1)])
def test_samples_of_nv12_are_those_of_i420(size: tuple[int, int], codec: LiveCodec) -> None:
    picture = moving(facts(*size), 3)
    assert samples_of(in_turn(picture), codec) == samples_of(picture, codec)


def test_a_codec_that_is_not_raw_is_refused() -> None:
    with pytest.raises(ValueError, match="not raw"):
        samples_of(moving(facts(), 0), LiveCodec.H264)
