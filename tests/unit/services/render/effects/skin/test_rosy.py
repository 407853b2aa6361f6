from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.looks import Look
from shared.model.parts import Part


def test_the_skin_turns_red_and_not_darker(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(rosy=1.0))
    x, y = (int(v) for v in scene.faces[0].landmarks_px[50, :2])
    assert 3 <= int(target.planes[2][y // 2, x // 2]) - scene.picture.planes[2][y // 2, x // 2] <= 8
    assert target.planes[0][studio.cheek(scene)].mean() >= scene.picture.planes[0][studio.cheek(scene)].mean()


def test_the_ground_keeps_its_colour(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(rosy=1.0))
    assert np.array_equal(scene.picture.planes[2][:10], target.planes[2][:10])
    assert scene.inside(Part.OVAL).any()
