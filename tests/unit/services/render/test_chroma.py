from __future__ import annotations

import numpy as np
import pytest

from services.render.chroma import interleave, split
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat


@pytest.mark.parametrize("size", [(16, 8), (17, 9), (1, 1)])
def test_chroma_goes_into_one_plane_and_back(size: tuple[int, int]) -> None:
    geometry = Geometry(PixelFormat.I420, *size)
    samples = np.random.default_rng(1).integers(0, 256, geometry.size_bytes, np.uint8)
    planar = Picture.over(geometry, Colour(full_range=True), samples)
    in_turn = Picture.blank(geometry.laid_out(PixelFormat.NV12), planar.colour)
    interleave(planar, in_turn)
    assert in_turn.planes[1][0, 0].tolist() == [plane[0, 0] for plane in planar.planes[1:]]
    back, other = split(in_turn), split(in_turn, Picture.blank(geometry, planar.colour))
    for picture in (back, other):
        assert (picture.geometry, picture.colour) == (geometry, planar.colour)
        assert all(np.array_equal(*pair) for pair in zip(picture.planes, planar.planes, strict=True))
