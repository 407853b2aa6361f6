"""One head's region of a picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.head import Head
from services.render.region import Region
from services.render.veil import Veil
from shared.model.pictures import Colour, Geometry, Matrix, Picture, PixelFormat

HEAD = Head.at((40, 40, 60, 60))


@pytest.mark.parametrize(("layout", "shapes"), [("i420", [(40, 30), (20, 15), (20, 15)]), ("rgb24", [(40, 30, 3)])])
def test_its_planes_are_views_of_the_pictures_own_samples(layout: str, shapes: Any) -> None:
    picture = Picture.blank(Geometry(PixelFormat(layout), 100, 90), Colour())
    veil = Veil.over(picture, HEAD, Region(20, 30, 50, 70, 2))
    assert [plane.shape for plane in veil.planes] == shapes
    assert all(np.shares_memory(*pair) for pair in zip(veil.planes, picture.planes, strict=True))
    assert len(veil.subsamplings) == len(shapes)


def test_a_colour_is_what_the_picture_takes_it_for() -> None:
    rgb = Veil.over(Picture.blank(Geometry(PixelFormat.RGB24, 8, 8), Colour()), HEAD, Region(0, 0, 8, 8, 2))
    assert rgb.levels("#3060a0") == ((0x30, 0x60, 0xA0),)
    for colour in (Colour(), Colour(Matrix.BT601, full_range=True)):
        veil = Veil.over(Picture.blank(Geometry(PixelFormat.I420, 8, 8), colour), HEAD, Region(0, 0, 8, 8, 2))
        (y,), (cb,), (cr,) = veil.levels("#3060a0")
        if not colour.full_range:
            frame = np.repeat(np.uint8([y, cb, cr]), (16, 4, 4)).reshape(6, 4)
            assert cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420)[0, 0] == pytest.approx((0x30, 0x60, 0xA0), abs=2)
        assert all(16 <= level <= 240 for level in (y, cb, cr))
