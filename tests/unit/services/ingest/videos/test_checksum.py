"""The number by which frames are compared."""

from __future__ import annotations

import numpy as np

from services.ingest.videos.checksum import checksum_of
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat


def test_both_layouts_of_the_same_samples_have_the_same_number() -> None:
    planar = Picture.over(
        Geometry(PixelFormat.I420, 17, 9), Colour(), np.random.default_rng(3).integers(0, 256, 500, np.uint8)
    )
    pairs = Picture.blank(Geometry(PixelFormat.NV12, 17, 9), Colour())
    pairs.planes[0][:] = planar.planes[0]
    pairs.planes[1][..., 0], pairs.planes[1][..., 1] = planar.planes[1:]
    assert checksum_of(pairs) == checksum_of(planar)
    pairs.planes[1][4, 8, 1] ^= 1
    assert checksum_of(pairs) != checksum_of(planar)
