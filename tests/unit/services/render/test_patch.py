from __future__ import annotations

import numpy as np
import pytest

from services.render.patch import opened, read
from services.render.region import Region
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.unit.services.render.pictures import HOST_LAYOUTS

REGION = Region(4, 6, 29, 31, 2)


def noise(layout: PixelFormat) -> Picture:
    picture = Picture.blank(Geometry(layout, 29, 31), Colour())
    for plane in picture.planes:
        plane[...] = np.random.default_rng(0).integers(30, 220, plane.shape, np.uint8)
    return picture


def test_i420_is_changed_where_it_lies() -> None:
    picture = noise(PixelFormat.I420)
    with opened(picture, REGION) as patch:
        assert (patch.y.shape, patch.cb.shape, patch.subsampling) == ((25, 25), (13, 13), 2)
        patch.cr[...] = 9
    assert (picture.planes[2][3:, 2:] == 9).all()
    assert (picture.planes[2][:3] != 9).all()


def test_an_rgb24_picture_that_is_only_looked_at_keeps_every_bit() -> None:
    picture, kept = noise(PixelFormat.RGB24), noise(PixelFormat.RGB24)
    with opened(picture, REGION) as patch:
        assert patch.subsampling == 1
    assert np.array_equal(picture.planes[0], kept.planes[0])


def test_only_changed_pixels_of_rgb24_are_written_back() -> None:
    picture, kept = noise(PixelFormat.RGB24), noise(PixelFormat.RGB24)
    with opened(picture, REGION) as patch:
        patch.y[3, 5] += 20
    changed = (picture.planes[0] != kept.planes[0]).any(axis=-1)
    assert np.argwhere(changed).tolist() == [[9, 9]]
    assert picture.planes[0][9, 9].astype(int) - kept.planes[0][9, 9] == pytest.approx(20, abs=2)


@pytest.mark.parametrize("layout", HOST_LAYOUTS)
def test_reading_needs_no_right_to_write(layout: PixelFormat) -> None:
    picture = noise(layout)
    for plane in picture.planes:
        plane.flags.writeable = False
    assert read(picture, REGION).y.shape == (25, 25)
