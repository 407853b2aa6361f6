from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.effects import Eyeliner
from shared.model.looks import Look
from shared.model.parts import Part


def test_the_lashes_darken_and_the_lower_lid_does_not(studio: Any) -> None:
    scene = studio.scene()
    scene.picture.planes[0][...] = 150
    target = scene.drawn(Look(eyeliner=Eyeliner(amount=1.0)))
    points = scene.faces[0].landmarks_px[:, :2]

    def darkest(landmark: int) -> int:
        x, y = (int(v) for v in points[landmark])
        return int(target.planes[0][y - 3 : y + 4, x - 3 : x + 4].min())

    assert max(darkest(160), darkest(385)) < 110
    assert min(darkest(145), darkest(374)) > 140


def test_a_wing_goes_on_beyond_the_outer_corner_and_up(studio: Any) -> None:
    scene = studio.scene()
    scene.picture.planes[0][...] = 150
    target = scene.drawn(Look(eyeliner=Eyeliner(amount=1.0)))
    rows, columns = np.nonzero(target.planes[0] < 130)
    outer = scene.faces[0].landmarks_px[33, :2]
    assert columns.min() < outer[0] - 2
    assert rows[columns.argmin()] < outer[1]
    assert not scene.inside(Part.LIPS)[rows, columns].any()
