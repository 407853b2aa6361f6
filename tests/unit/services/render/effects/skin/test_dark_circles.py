from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.looks import Look
from shared.model.parts import Part


def test_a_shadow_below_the_eye_is_lightened_and_none_stays(studio: Any) -> None:
    scene = studio.scene()
    right, left = scene.inside(Part.RIGHT_UNDER_EYE), scene.inside(Part.LEFT_UNDER_EYE)
    scene.picture.planes[0][right] -= 24
    target = scene.drawn(Look(dark_circles=1.0))
    lifted = target.planes[0].astype(int) - scene.picture.planes[0]
    assert lifted[right].mean() > 9
    assert lifted[left].mean() < 4


def test_the_eye_itself_stays(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(dark_circles=1.0))
    eye = scene.inside(Part.RIGHT_EYE)
    assert np.abs(target.planes[0][eye].astype(int) - scene.picture.planes[0][eye]).mean() < 3
