from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.looks import Look
from shared.model.parts import Part


def test_eyes_are_lightened_and_the_skin_around_stays(studio: Any) -> None:
    scene = studio.scene()
    eye, cheek = scene.inside(Part.LEFT_EYE), studio.cheek(scene)
    target = scene.drawn(Look(brighten_eyes=1.0))
    lifted = target.planes[0].astype(int) - scene.picture.planes[0]
    assert lifted[eye].mean() > 8
    assert not lifted[cheek].any()


def test_the_white_loses_its_redness_and_the_iris_keeps_its_colour(studio: Any) -> None:
    scene = studio.scene()
    eye, half = scene.inside(Part.LEFT_EYE), scene.inside(Part.LEFT_EYE, 2)
    columns = np.nonzero(eye)[1]
    left_part = eye & (np.arange(eye.shape[1]) < (columns.min() + columns.max()) // 2)
    scene.picture.planes[0][left_part] = 190  # white beside iris
    scene.picture.planes[2][half] = 140
    target = scene.drawn(Look(brighten_eyes=1.0))
    white = left_part[::2, ::2] & half
    assert target.planes[2][white].mean() < 137
    iris = half & (np.arange(half.shape[1]) > (columns.min() + columns.max()) // 4 + 3)
    assert target.planes[2][iris].mean() > 138
