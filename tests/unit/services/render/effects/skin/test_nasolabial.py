from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.looks import Look
from shared.model.parts import Part


def test_the_fold_is_filled_and_the_cheek_stays(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(nasolabial=1.0))
    fold = scene.inside(Part.RIGHT_FOLD) & (scene.picture.planes[0] < 140)
    lifted = target.planes[0].astype(int) - scene.picture.planes[0]
    assert lifted[fold].mean() > 6
    assert np.abs(lifted[studio.cheek(scene)]).mean() < 1


def test_nothing_is_darkened(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(nasolabial=1.0))
    assert (target.planes[0].astype(int) - scene.picture.planes[0]).min() >= -1
