from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.shape import FaceShape
from shared.model.faces import Face
from shared.model.parts import Part


def test_the_scale_is_about_the_faces_width(studio: Any) -> None:
    shape = FaceShape.of(studio.face(200, 200))
    assert shape is not None
    assert shape.scale_px == pytest.approx(np.ptp(shape.part(Part.OVAL)[:, 0]), rel=0.15)


def test_the_scale_does_not_change_when_the_head_tilts(mesh: np.ndarray) -> None:
    turn = np.array([(0.6, -0.8, 0), (0.8, 0.6, 0), (0, 0, 1)])
    upright, tilted = FaceShape.of(Face.of(mesh, 1.0)), FaceShape.of(Face.of((mesh @ turn).astype(np.float32), 1.0))
    assert upright is not None
    assert tilted is not None
    assert tilted.scale_px == pytest.approx(upright.scale_px, rel=1e-4)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1e7])
def test_landmarks_that_span_no_face_have_no_shape(value: float) -> None:
    assert FaceShape.of(Face.of(np.full((468, 3), value, np.float32), 1.0)) is None


def test_a_face_of_a_few_pixels_has_no_shape(studio: Any) -> None:
    assert FaceShape.of(studio.face(50, 50, 0.04)) is None
    assert FaceShape.of(studio.face(50, 50, 0.1)) is not None


def test_directions_turn_with_the_head(mesh: np.ndarray) -> None:
    turn = np.array([(0.8, 0.6, 0), (-0.6, 0.8, 0), (0, 0, 1)])
    shape = FaceShape.of(Face.of((mesh @ turn).astype(np.float32), 1.0))
    assert shape is not None
    assert shape.across == pytest.approx((0.8, 0.6), abs=0.08)
    assert shape.down == pytest.approx((-0.6, 0.8), abs=0.08)


def test_the_side_that_is_turned_away_faces_the_camera_less(mesh: np.ndarray) -> None:
    turned = mesh.copy()
    turned[:, 0] = mesh[:, 0] * 0.8 - mesh[:, 2] * 0.6
    ahead, away = (FaceShape.of(Face.of(points, 1.0)) for points in (mesh, turned))
    assert ahead is not None
    assert away is not None
    assert ahead.facing() == (1.0, 1.0)
    assert sorted(away.facing())[0] < 0.6 < sorted(away.facing())[1]


def test_a_step_is_a_power_of_two_that_keeps_the_scale_within_the_cells(studio: Any) -> None:
    shape = FaceShape.of(studio.face(200, 200))
    assert shape is not None
    assert [shape.step(cells) for cells in (1000, 64, 20)] == [2, 4, 16]
