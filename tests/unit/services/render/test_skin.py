from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.patch import read
from services.render.region import Region
from services.render.shape import FaceShape
from services.render.skin import Skin, bare_skin, find_skin
from shared.model.parts import Part
from shared.model.pictures import PixelFormat
from tests.unit.services.render.pictures import HOST_LAYOUTS


def skin_of(scene: Any, step: int = 4) -> tuple[Skin, Region]:
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    size = (scene.picture.geometry.width, scene.picture.geometry.height)
    region = Region.around(shape.part(Part.OVAL), 30, step, size)
    assert region is not None
    patch = read(scene.picture, region)
    planes = (region.gather(patch.y, 1), region.gather(patch.cb, 2), region.gather(patch.cr, 2))
    return find_skin(shape, region, planes, 16, bare_skin(scene.picture, shape)), region


def at(grid: np.ndarray, region: Region, point: np.ndarray) -> float:
    column, row = np.rint(region.to_grid(point[None, :2])[0]).astype(int)
    return float(grid[row, column])


def middle(scene: Any, part: Part) -> np.ndarray:
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    return shape.part(part).mean(axis=0)


def test_cheeks_are_skin_and_eyes_lips_and_ground_are_not(studio: Any) -> None:
    scene = studio.scene()
    skin, region = skin_of(scene)
    points = scene.faces[0].landmarks_px
    for cheek in (50, 280):
        assert at(skin.texture, region, points[cheek]) > 0.9
        assert at(skin.tint, region, points[cheek]) > 0.9
    for part in (Part.LEFT_EYE, Part.LIPS):
        assert at(skin.texture, region, middle(scene, part)) == 0
        assert at(skin.tint, region, middle(scene, part)) < 0.3
    assert skin.texture[0].max() == 0
    assert skin.tint[:, 0].max() == 0


@pytest.mark.parametrize("complexion", [(245, 220, 205), (205, 150, 125), (110, 70, 50), (70, 45, 35)])
def test_skin_of_any_complexion_is_found(complexion: tuple[int, int, int], studio: Any) -> None:
    skin, region = skin_of(studio.scene(skin=complexion))
    cheek = studio.scene().faces[0].landmarks_px[50]
    assert at(skin.texture, region, cheek) > 0.8


def test_something_of_another_colour_before_the_face_is_no_skin(studio: Any) -> None:
    scene = studio.scene()
    x, y = (int(v) for v in scene.faces[0].landmarks_px[50, :2])
    scene.picture.planes[1][y // 2 - 12 : y // 2 + 12, x // 2 - 12 : x // 2 + 12] = 180
    skin, region = skin_of(scene)
    assert at(skin.texture, region, scene.faces[0].landmarks_px[50]) == 0


def test_a_monochrome_picture_has_skin_too(studio: Any) -> None:
    scene = studio.scene()
    for plane in scene.picture.planes[1:]:
        plane[...] = 128
    skin, region = skin_of(scene)
    assert at(skin.texture, region, scene.faces[0].landmarks_px[50]) > 0.9


def test_a_mask_is_a_share(clip: list[Any]) -> None:
    for scene in clip[::10]:
        skin, _ = skin_of(scene, 2)
        for grid in (skin.texture, skin.tint):
            assert grid.min() >= 0
            assert 0.9 < grid.max() <= 1 + 1e-5


def test_eyes_of_real_faces_are_no_skin(clip: list[Any]) -> None:
    for scene in clip[::10]:
        skin, region = skin_of(scene, 2)
        assert at(skin.texture, region, middle(scene, Part.LEFT_EYE)) == 0


@pytest.mark.parametrize("layout", HOST_LAYOUTS)
def test_bare_skin_is_what_the_picture_shows_there(layout: PixelFormat, studio: Any) -> None:
    scene = studio.scene(layout=layout, full_range=True)
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    y, cb, cr = np.median(bare_skin(scene.picture, shape), axis=1)
    assert (y, cb, cr) == pytest.approx((163.6, 106.2, 157.5), abs=4)  # (205, 150, 125) by BT.601


def test_only_points_within_the_picture_say_what_skin_is(studio: Any) -> None:
    scene = studio.scene()
    shapes = [FaceShape.of(studio.face(x, 190)) for x in (180, 0, -400)]
    counts = [bare_skin(scene.picture, shape).shape[1] for shape in shapes if shape]
    assert counts[0] > counts[1] > counts[2] == 0


def test_streaky_hair_of_the_skins_colour_on_the_forehead_is_no_skin(studio: Any) -> None:
    scene = studio.scene()
    x, y = (int(v) for v in scene.faces[0].landmarks_px[151, :2])
    bare, _ = skin_of(scene, 2)
    streaks = np.arange(scene.picture.planes[0].shape[1]) % 8 < 4
    streaks[: x - 40] = streaks[x + 40 :] = False
    scene.picture.planes[0][y - 14 : y + 6, streaks] -= 40
    skin, region = skin_of(scene, 2)
    here = np.array((x, y - 4), np.float32)
    assert at(bare.tint, region, here) > 0.9
    assert at(skin.tint, region, here) < 0.3
    cheek = scene.faces[0].landmarks_px[50]
    assert at(skin.tint, region, cheek) > 0.9
