from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.effects import Brows
from shared.model.looks import Look
from shared.model.parts import Part


def test_hairs_take_the_colour_and_the_skin_between_less(studio: Any) -> None:
    scene = studio.scene()
    brow = scene.inside(Part.RIGHT_BROW)
    scene.picture.planes[0][brow] = 150
    rows, columns = np.nonzero(brow)
    middle = rows == int(np.median(rows))
    hairs = (slice(rows[middle].min() - 1, rows[middle].max() + 2), slice(columns.min(), columns.max()))
    scene.picture.planes[0][hairs] = 95
    target = scene.drawn(Look(brows=Brows(color="#101010", amount=1.0)))
    change = scene.picture.planes[0].astype(int) - target.planes[0]
    between = brow.copy()
    between[hairs] = False
    assert change[hairs].mean() > 25
    assert change[between].mean() < change[hairs].mean()


def test_eyes_and_forehead_stay(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(brows=Brows(amount=1.0)))
    change = np.abs(scene.picture.planes[0].astype(int) - target.planes[0])
    x, y = (int(v) for v in scene.faces[0].landmarks_px[151, :2])
    assert change[y, x] <= 1
    assert np.median(change[scene.inside(Part.LEFT_EYE)]) <= 2
