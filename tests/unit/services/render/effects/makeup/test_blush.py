from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.effects import Blush
from shared.model.looks import Look
from shared.model.parts import Part


def test_both_cheeks_redden_and_the_chin_does_not(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(blush=Blush(amount=1.0)))
    redder = target.planes[2].astype(int) - scene.picture.planes[2]
    points = scene.faces[0].landmarks_px[:, :2].astype(int) // 2
    for cheek in (50, 280):
        assert redder[points[cheek, 1], points[cheek, 0]] > 5
    assert abs(redder[points[199, 1], points[199, 0]]) <= 1


def test_the_cheek_that_is_turned_away_fades(studio: Any) -> None:
    scene = studio.scene()
    ahead = scene.faces[0].landmarks_px
    turned = ahead.copy()
    middle = ahead[:, 0].mean()
    turned[:, 0] = middle + (ahead[:, 0] - middle) * 0.75 - ahead[:, 2] * 0.66
    face = type(scene.faces[0]).of(turned, 1.0)
    target = scene.drawn(Look(blush=Blush(amount=1.0)), (face,))
    redder = np.abs(target.planes[2].astype(int) - scene.picture.planes[2])
    sides = [redder[:, : int(turned[1, 0]) // 2].max(), redder[:, int(turned[1, 0]) // 2 :].max()]
    assert min(sides) < 0.75 * max(sides)
    assert scene.inside(Part.OVAL).any()
