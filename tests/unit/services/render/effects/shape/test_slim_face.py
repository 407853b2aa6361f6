from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.effects.shape.slim_face import slim_face
from services.render.shape import FaceShape
from shared.model.faces import Face, Layout
from shared.model.looks import Look
from shared.model.parts import Part
from shared.model.pictures import Picture


@pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])
def test_slimming_narrows_the_jaw(layout: Layout, studio: Any) -> None:
    scene = studio.scene()
    y = int(scene.faces[0].landmarks_px[[172, 397], 1].mean())
    assert _skin_width(scene.seen_by(layout).drawn(Look(slim_face=1.0)), y) < 0.93 * _skin_width(scene.picture, y)


def _skin_width(picture: Picture, row: int) -> int:
    return int((picture.planes[2][row // 2] > 136).sum())


def test_both_sides_of_the_jaw_show_what_lay_farther_out(mesh: np.ndarray) -> None:
    shape = FaceShape.of(Face.of(mesh, 1.0))
    assert shape is not None
    right, left = (shape.part(jaw)[2:6] for jaw in (Part.RIGHT_JAW, Part.LEFT_JAW))
    bumps = slim_face(shape, 1.0)
    assert (bumps.field(right)[:, 0] < -0.03 * shape.scale_px).all()
    assert (bumps.field(left)[:, 0] > 0.03 * shape.scale_px).all()


def test_a_face_in_profile_is_pulled_less(mesh: np.ndarray) -> None:
    narrow = mesh * np.array((0.3, 1, 1), np.float32)
    ahead, profile = (FaceShape.of(Face.of(points, 1.0)) for points in (mesh, narrow))
    assert ahead is not None
    assert profile is not None
    pulls = [
        np.abs(slim_face(shape, 1.0).field(shape.points_px)).max() / np.ptp(mesh[:, 1]) for shape in (ahead, profile)
    ]
    assert pulls[1] < 0.6 * pulls[0]
