from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.effects import Eyeshadow
from shared.model.looks import Look
from shared.model.parts import Part


def test_lids_take_the_colour_more_near_the_lashes_and_the_eye_does_not(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(eyeshadow=Eyeshadow(color="#3040c0", amount=1.0)))
    bluer = target.planes[1].astype(int) - scene.picture.planes[1]
    points = scene.faces[0].landmarks_px[:, :2].astype(int) // 2
    near, far = bluer[points[27, 1], points[27, 0]], bluer[points[65, 1], points[65, 0]]
    assert near > 12
    assert far < 0.5 * near
    inside = scene.inside(Part.RIGHT_EYE, 2)
    assert np.median(np.abs(bluer[inside])) <= 2


def test_hair_before_the_lid_is_not_painted(studio: Any) -> None:
    scene = studio.scene()
    lid = scene.inside(Part.RIGHT_LID_SKIN)
    scene.picture.planes[0][lid] = 22
    target = scene.drawn(Look(eyeshadow=Eyeshadow(color="#c0c0ff", amount=1.0)))
    assert np.median(target.planes[0][lid]) < 32
