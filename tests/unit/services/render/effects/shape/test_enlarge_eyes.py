from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.effects.shape.enlarge_eyes import enlarge_eyes
from services.render.shape import FaceShape
from shared.model.faces import Face, Layout
from shared.model.looks import Look
from shared.model.parts import Part


@pytest.mark.parametrize("layout", Layout)
def test_enlarging_makes_both_eyes_larger(layout: Layout, studio: Any) -> None:
    scene = studio.scene()
    target = scene.seen_by(layout).drawn(Look(enlarge_eyes=1.0))
    for corners in ((33, 133), (362, 263)):
        (x0, y0), (x1, y1) = scene.faces[0].landmarks_px[list(corners), :2].astype(int)
        around = np.s_[min(y0, y1) - 16 : max(y0, y1) + 16, x0 - 12 : x1 + 12]
        before, after = ((picture.planes[0][around] < 90).sum() for picture in (scene.picture, target))
        assert after > 1.2 * before


def test_an_eye_that_is_seen_narrower_is_enlarged_over_less(mesh: np.ndarray) -> None:
    turned = mesh.copy()
    turned[:, 0] *= np.where(turned[:, 0] > 0, 0.5, 1)
    shape = FaceShape.of(Face.of(turned, 1.0))
    assert shape is not None
    right, left = enlarge_eyes(shape, 1.0).radii_px
    assert left < 0.7 * right


def test_the_centre_of_an_eye_stays_where_it_is(mesh: np.ndarray) -> None:
    shape = FaceShape.of(Face.of(mesh, 1.0))
    assert shape is not None
    centres = np.concatenate([shape.part(eye) for eye in (Part.RIGHT_EYE_CENTRE, Part.LEFT_EYE_CENTRE)])
    assert np.abs(enlarge_eyes(shape, 1.0).field(centres)).max() < 0.01
