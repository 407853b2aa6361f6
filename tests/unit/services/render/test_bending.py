from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from services.render.bending import Bending, bend
from services.render.effects import SHAPE_EFFECTS
from services.render.region import Scratch
from services.render.shape import FaceShape
from shared.model.looks import Look
from shared.model.needs import NEEDS
from shared.model.pictures import PixelFormat


def shape_of(scene: Any) -> FaceShape:
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    return shape


def test_a_look_without_shapes_has_nothing_to_bend_by(studio: Any) -> None:
    assert Bending(Look(smooth=1)).bumps(shape_of(studio.scene())) is None


def test_displacements_of_all_effects_add_up(studio: Any) -> None:
    shape = shape_of(studio.scene())
    one, other, both = (
        Bending(look).bumps(shape) for look in (Look(slim_face=0.4), Look(smile=-0.3), Look(slim_face=0.4, smile=-0.3))
    )
    assert one is not None
    assert other is not None
    assert both is not None
    points = shape.points_px[::20]
    assert both.field(points) == pytest.approx(one.field(points) + other.field(points), abs=1e-3)


def test_bumps_that_would_fold_the_face_are_answered_as_they_were_drawn(studio: Any) -> None:
    scene = studio.scene()
    shape = shape_of(scene)
    bumps = Bending(Look(slim_face=1)).bumps(shape)
    assert bumps is not None
    assert bend(scene.copy(), shape, bumps, Scratch()) is bumps
    drawn = bend(scene.copy(), shape, bumps.times(9), Scratch())
    assert 1 < np.abs(drawn.pulls_px).max() / np.abs(bumps.pulls_px).max() < 8


@pytest.mark.parametrize("effect", SHAPE_EFFECTS)
def test_straight_lines_outside_the_support_do_not_bend(effect: str, studio: Any) -> None:
    scene = studio.scene(640, 640)
    scene.picture.planes[0][::16] = 230
    scene.picture.planes[0][:, ::16] = 30
    shape, target = shape_of(scene), scene.copy()
    bumps = Bending(Look.of(effect, 1.0)).bumps(shape)
    assert bumps is not None
    bend(target, shape, bumps, Scratch())
    support = np.zeros(target.planes[0].shape, np.uint8)
    for centre, radius in zip(bumps.centres_px, bumps.radii_px, strict=True):
        cv2.circle(support, [int(v) for v in np.rint(centre)], int(radius) + shape.step(48) + 2, 1, -1)
    assert not np.array_equal(target.planes[0], scene.picture.planes[0])
    assert np.array_equal(target.planes[0][support == 0], scene.picture.planes[0][support == 0])


@pytest.mark.parametrize("effect", SHAPE_EFFECTS)
def test_an_effect_asks_for_the_parts_that_it_is_said_to_need_and_no_others(effect: str, studio: Any) -> None:
    shape = shape_of(studio.scene())
    Bending(Look.of(effect, 1.0)).bumps(shape)
    assert shape.asked == NEEDS[effect]


def test_what_is_cut_out_is_bent_as_a_whole(studio: Any) -> None:
    scene = studio.scene(layout=PixelFormat.RGB24)
    shape, there = shape_of(scene), np.zeros((380, 360), np.uint8)
    cv2.fillConvexPoly(there, cv2.convexHull(np.rint(shape.points_px).astype(np.int32)), 255)
    target = replace(scene.copy(), alpha=there.copy())
    target.planes[0][...] = np.where(there[..., None] > 0, (200, 120, 80), 0)
    bumps = Bending(Look(slim_face=1.0, chin_length=1.0)).bumps(shape)
    assert bumps is not None
    bend(target, shape, bumps, Scratch())
    assert target.alpha is not None
    assert (target.alpha != there).sum() > 500
    seen = target.planes[0][target.alpha > 100].astype(int)
    assert np.abs(seen - (200, 120, 80)).max() <= 3
