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
