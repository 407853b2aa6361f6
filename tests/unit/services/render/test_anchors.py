"""Anchors lie where a person would point at, whatever landmarks tell of the face, and however it is turned."""

from __future__ import annotations

import math
import typing
from typing import Any

import numpy as np
import pytest

from services.render.anchors import FACE_WIDTH, PLACES, anchor_px, outline_px
from services.render.pose import head_view
from services.render.shape import FaceShape
from shared.model.effects import Anchor
from shared.model.faces import Face, Layout
from shared.model.parts import Part
from shared.model.template import face_template

UNIT = 120.0
MARKED = {"forehead": 151, "nose": 4, "right-cheek": 50, "left-cheek": 280, "chin": 152, "mouth": 13}
"""Points of the mesh at or near an anchor."""


def turned(yaw: float = 0.0, roll: float = 0.0) -> FaceShape:
    a, b = math.radians(yaw), math.radians(roll)
    turn = np.array([(math.cos(b), -math.sin(b), 0), (math.sin(b), math.cos(b), 0), (0, 0, 1)]) @ np.array(
        [(math.cos(a), 0, -math.sin(a)), (0, 1, 0), (math.sin(a), 0, math.cos(a))]
    )
    points = face_template().points @ turn.T * UNIT + (300, 300, 0)
    shape = FaceShape.of(Face.of(points.astype(np.float32), 1.0))
    assert shape is not None
    return shape


def placed(shape: FaceShape, anchor: Anchor) -> np.ndarray:
    return anchor_px(shape, head_view(shape.landmarks_px), anchor)


def test_every_anchor_has_its_place() -> None:
    assert set(PLACES) == set(typing.get_args(Anchor))
    assert all(sum(weight for *_, weight in place.of) == pytest.approx(1) for place in PLACES.values())


@pytest.mark.parametrize("anchor", MARKED)
@pytest.mark.parametrize(("yaw", "roll"), [(0, 0), (25, 0), (-25, 0), (0, 50), (20, -120)])
def test_an_anchor_is_near_the_point_that_it_is_named_for(anchor: Anchor, yaw: float, roll: float) -> None:
    shape = turned(yaw, roll)
    assert np.linalg.norm(placed(shape, anchor) - shape.points_px[MARKED[anchor]]) < 0.16 * UNIT


def test_right_and_left_are_the_persons_own() -> None:
    shape = turned()
    for right, left in (("right-eye", "left-eye"), ("right-cheek", "left-cheek")):
        assert placed(shape, right)[0] < placed(shape, "nose")[0] < placed(shape, left)[0]


def test_the_top_of_the_head_is_above_the_hairline_and_tilts_with_it() -> None:
    for roll in (0.0, 60.0):
        shape = turned(roll=roll)
        up = np.array((math.sin(math.radians(roll)), -math.cos(math.radians(roll))))
        hairline = shape.points_px[10]
        assert 0.2 * UNIT < (placed(shape, "head") - hairline) @ up < 0.8 * UNIT


@pytest.mark.parametrize("layout", [Layout.IBUG, Layout.FIVE])
def test_other_layouts_put_anchors_in_the_same_places(layout: Layout, clip: list[Any]) -> None:
    for scene in clip[::25]:
        for face, other in zip(scene.faces, scene.seen_by(layout).faces, strict=True):
            one, two = FaceShape.of(face), FaceShape.of(other)
            assert one is not None
            assert two is not None
            width = FACE_WIDTH * head_view(one.landmarks_px).scale_px
            for anchor in PLACES:
                reach = 0.16 if anchor == "head" else 0.1
                assert np.linalg.norm(placed(one, anchor) - placed(two, anchor)) < reach * width


def test_the_outline_of_five_points_is_about_the_oval_of_the_mesh(clip: list[Any]) -> None:
    for scene in clip[::25]:
        for face, other in zip(scene.faces, scene.seen_by(Layout.FIVE).faces, strict=True):
            one, two = FaceShape.of(face), FaceShape.of(other)
            assert one is not None
            assert two is not None
            ring = outline_px(two, head_view(two.landmarks_px))
            oval = one.part(Part.OVAL)
            for edge in (np.min, np.max):
                assert np.abs(edge(ring, axis=0) - edge(oval, axis=0)).max() < 0.25 * one.scale_px
