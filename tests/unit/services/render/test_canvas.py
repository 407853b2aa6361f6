from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.canvas import Canvas
from services.render.patch import read
from services.render.region import Region, size_of
from services.render.shape import FaceShape
from services.render.skin import bare_skin
from shared.model.parts import Part
from shared.model.pictures import PixelFormat


def canvas(scene: Any) -> Canvas:
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    region = Region.around(shape.part(Part.OVAL), 20, 4, size_of(scene.picture))
    assert region is not None
    return Canvas(shape, region, read(scene.picture, region), bare_skin(scene.picture, shape))


@pytest.mark.parametrize("kind", [{}, {"full_range": True}, {"layout": PixelFormat.RGB24}])
def test_paint_has_its_colour_in_good_light(kind: Any, studio: Any) -> None:
    there = canvas(studio.scene(**kind, skin=(235, 180, 155)))
    limited = not kind
    assert there.light == 1.0
    assert there.paint("#ffffff") == pytest.approx((235 if limited else 255, 128, 128), abs=0.1)
    assert there.paint("#000000") == pytest.approx((16 if limited else 0, 128, 128), abs=0.1)
    assert there.paint("#ff0000")[2] > 230


def test_paint_is_dimmed_where_the_face_is_and_not_below_a_bound(studio: Any) -> None:
    lights = [canvas(studio.scene(skin=skin)).light for skin in ((150, 110, 90), (80, 55, 45), (20, 14, 12))]
    assert 1.0 > lights[0] > lights[1] >= lights[2] == 0.55


def test_everything_is_counted_in_cells(studio: Any) -> None:
    there = canvas(studio.scene())
    assert there.scale == pytest.approx(there.shape.scale_px / 4)
    assert {plane.shape for plane in there.planes} == {there.region.cells}
    assert there.nothing().shape == there.region.cells
    centre = there.cells_of(Part.NOSE_TIP)[0]
    assert (centre > 0).all()
    assert (centre < there.region.cells[::-1]).all()


def test_a_ring_is_soft_and_lies_where_its_part_does(studio: Any) -> None:
    there = canvas(studio.scene())
    ring = there.ring(Part.LIPS, feather=0.02)
    x, y = np.rint(there.cells_of(Part.LIPS).mean(axis=0)).astype(int)
    assert ring[y, x] > 0.8
    assert ring[0].max() == 0


def test_the_skin_is_worked_out_once(studio: Any) -> None:
    there = canvas(studio.scene())
    assert there.skin is there.skin
