from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.looks import Look
from shared.model.parts import Part


def test_spots_of_another_colour_fade(studio: Any) -> None:
    scene = studio.scene()
    x, y = (int(v) // 2 for v in scene.faces[0].landmarks_px[50, :2])
    spot = np.s_[y - 2 : y + 2, x - 2 : x + 2]
    scene.picture.planes[2][spot] += 6
    target = scene.drawn(Look(even_tone=1.0))
    around = np.median(scene.picture.planes[2][y - 10 : y + 10, x - 10 : x + 10])
    before, after = (picture.planes[2][spot].mean() - around for picture in (scene.picture, target))
    assert after < 0.5 * before


def test_pores_stay(studio: Any) -> None:
    scene = studio.scene()
    cheek = studio.cheek(scene)
    target = scene.drawn(Look(even_tone=1.0))
    assert target.planes[0][cheek].std() > 0.85 * scene.picture.planes[0][cheek].std()


def test_lips_keep_their_colour(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(even_tone=1.0))
    lips = scene.inside(Part.LIPS, 2)
    assert np.array_equal(scene.picture.planes[2][lips], target.planes[2][lips])
