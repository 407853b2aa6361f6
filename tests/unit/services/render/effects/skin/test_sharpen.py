from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.looks import Look
from shared.model.parts import Part


def test_edges_of_features_grow_steeper_and_bare_skin_hardly_changes(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(sharpen=1.0))
    eye = scene.inside(Part.LEFT_EYE)
    rows, columns = (slice(axis.min() - 4, axis.max() + 4) for axis in np.nonzero(eye))
    before, after = (picture.planes[0][rows, columns].astype(float).std() for picture in (scene.picture, target))
    assert after > 1.03 * before
    cheek = studio.cheek(scene)
    assert target.planes[0][cheek].std() < 1.35 * scene.picture.planes[0][cheek].std()


def test_colour_stays_bit_by_bit(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(sharpen=1.0))
    assert all(np.array_equal(a, b) for a, b in zip(scene.picture.planes[1:], target.planes[1:], strict=True))
