"""A face that looks ahead, in every layout."""

from __future__ import annotations

import numpy as np
import pytest

from services.render.layouts.frontal import frontal
from services.render.shape import FaceShape
from shared.model.faces import Face, Layout
from shared.model.parts import Part


@pytest.mark.parametrize("layout", Layout)
def test_it_is_a_face_of_its_layout_about_1_wide(layout: Layout) -> None:
    points = frontal(layout)
    assert (points.shape, points.dtype) == ((layout, 3), np.float32)
    shape = FaceShape.of(Face.of(points * 200, 1.0))
    assert shape is not None
    assert shape.scale_px == pytest.approx(200, rel=0.1)
    with pytest.raises(ValueError, match="read-only"):
        points[0] = 0


@pytest.mark.parametrize("layout", Layout)
def test_it_is_upright_and_the_persons_right_is_on_the_left(layout: Layout) -> None:
    shape = FaceShape.of(Face.of(frontal(layout) * 200, 1.0))
    assert shape is not None
    right, left = shape.part(Part.RIGHT_EYE_CENTRE)[0], shape.part(Part.LEFT_EYE_CENTRE)[0]
    nose, mouth = shape.part(Part.NOSE_TIP)[0], shape.part(Part.MOUTH_CORNERS).mean(axis=0)
    assert right[0] < nose[0] < left[0]
    assert abs(right[1] - left[1]) < 5
    assert right[1] < nose[1] < mouth[1]
