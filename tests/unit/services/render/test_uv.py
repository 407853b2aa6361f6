"""The template finds its place on faces that look ahead, turn and tremble."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.render.region import Region
from services.render.shape import FaceShape
from services.render.uv import laid
from shared.model.faces import Face
from shared.model.parts import Part
from shared.model.template import face_template

SIZE = (600, 600)


def head(yaw: float = 0.0, width_px: float = 200.0) -> FaceShape:
    """The template's own head, turned to its left by degrees."""
    angle = math.radians(yaw)
    turn = np.array([(math.cos(angle), 0, -math.sin(angle)), (0, 1, 0), (math.sin(angle), 0, math.cos(angle))])
    points = face_template().points @ turn.T * (width_px / 1.5) + (300, 250, 0)
    shape = FaceShape.of(Face.of(points.astype(np.float32), 1.0))
    assert shape is not None
    return shape


def around(shape: FaceShape) -> Region:
    step = shape.step(128)
    region = Region.around(shape.points_px, 2 * step, step, SIZE)
    assert region is not None
    return region


def seen(grid: np.ndarray, shape: FaceShape, region: Region, points: np.ndarray) -> np.ndarray:
    """What a grid says at points of the mesh, between cells."""
    x, y = region.to_grid(shape.points_px[points]).T
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    s, t = ((y - i), (x - j)) if grid.ndim == 2 else ((y - i)[:, None], (x - j)[:, None])
    upper = grid[i, j] * (1 - t) + grid[i, j + 1] * t
    return upper * (1 - s) + (grid[i + 1, j] * (1 - t) + grid[i + 1, j + 1] * t) * s


def test_every_point_of_a_face_that_looks_ahead_lies_where_the_template_has_it() -> None:
    shape = head()
    region = around(shape)
    inside = np.setdiff1d(np.arange(468), np.concatenate([*face_template().lines.values()]))
    side = np.abs(face_template().points[:, 0]) > 0.6
    found = seen(laid(shape, region).uv, shape, region, inside[~side[inside]])
    miss = np.linalg.norm(found - face_template().uv[inside[~side[inside]]], axis=1)
    assert np.median(miss) < 0.002  # of the picture: half a pixel of such a face
    assert np.percentile(miss, 97) < 0.01


def test_real_faces_are_met_too(clip: list) -> None:
    for scene in clip[::20]:
        for face in scene.faces:
            shape = FaceShape.of(face)
            region = Region.around(shape.points_px, 4, 2, (scene.picture.geometry.width, scene.picture.geometry.height))
            cheeks = np.array([50, 280, 9, 151, 5, 200])
            sheet = laid(shape, region)
            shown = seen(sheet.facing, shape, region, cheeks) > 0.9
            assert shown.sum() >= 4
            miss = np.abs(seen(sheet.uv, shape, region, cheeks) - face_template().uv[cheeks]).max(axis=1)
            assert miss[shown].max() < 0.04  # where a nose hides a cheek, cells mix both


def test_a_face_that_looks_ahead_is_seen_everywhere() -> None:
    shape = head()
    region = around(shape)
    facing = seen(
        laid(shape, region).facing, shape, region, np.array([50, 280, 205, 425, 9, 151, 69, 299, 1, 116, 345])
    )
    assert facing.min() > 0.98


@pytest.mark.parametrize(("yaw", "near", "far"), [(40.0, 50, 280), (-40.0, 280, 50)])
def test_a_turned_head_fades_on_its_far_cheek(yaw: float, near: int, far: int) -> None:
    shape = head(yaw)
    region = around(shape)
    one, other = seen(laid(shape, region).facing, shape, region, np.array([near, far]))
    assert one > 0.98
    assert other < 0.4


def test_more_turn_is_less_to_see() -> None:
    sums = []
    for yaw in (0, 20, 40, 60):
        shape = head(yaw)
        region = around(shape)
        sums.append(float(laid(shape, region).facing.sum()))
    assert sums == sorted(sums, reverse=True)


def test_of_two_places_on_one_spot_the_nearer_is_seen() -> None:
    shape = head(50)
    region = around(shape)
    tip = np.array([4])
    assert np.abs(seen(laid(shape, region).uv, shape, region, tip) - face_template().uv[tip]).max() < 0.02


def test_the_layout_goes_on_wherever_something_is_seen() -> None:
    for yaw in (0, 35, -50):
        shape = head(yaw)
        sheet = laid(shape, around(shape))
        assert (sheet.uv[sheet.facing > 0].min(axis=1) > 0.01).all()


def test_only_what_is_wanted_is_laid() -> None:
    shape, template = head(), face_template()
    region = around(shape)
    wanted = (template.uv[template.triangles, 0] < 0.4).all(axis=1)
    facing = laid(shape, region, wanted).facing
    assert facing[:, : facing.shape[1] // 4].max() == 1
    right, left = seen(facing, shape, region, np.array([50, 280]))
    assert (right > 0.9, left == 0) == (True, True)


def test_a_face_beyond_the_picture_and_landmarks_that_are_none_do_no_harm() -> None:
    shape = head()
    corner = Region.around(shape.points_px[face_template().lines[Part.RIGHT_EYE]], 4, 2, SIZE)
    assert corner is not None
    assert laid(shape, corner).facing.max() == 1
    noise = np.random.default_rng(1).normal(300, 80, (468, 3)).astype(np.float32)
    wild = FaceShape.of(Face.of(noise, 1.0))
    assert wild is not None
    assert np.isfinite(laid(wild, around(wild)).uv).all()
