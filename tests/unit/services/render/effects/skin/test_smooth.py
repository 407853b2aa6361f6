from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.model.faces import Layout
from shared.model.looks import Look
from shared.model.parts import Part


@pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])
@pytest.mark.parametrize("part", [Part.LEFT_EYE, Part.RIGHT_EYE, Part.LEFT_BROW, Part.RIGHT_BROW, Part.LIPS])
def test_smoothing_leaves_every_bit_of_eyes_brows_and_lips(part: Part, layout: Layout, studio: Any, real: Any) -> None:
    for scene in (studio.scene(), real):
        target = scene.seen_by(layout).drawn(Look(smooth=1.0))
        inside = scene.inside(part)
        assert inside.any()
        assert np.array_equal(scene.picture.planes[0][inside], target.planes[0][inside])


def test_smoothing_takes_the_grain_off_the_skin(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(smooth=1.0))
    cheek = studio.cheek(scene)
    assert target.planes[0][cheek].std() < 0.5 * scene.picture.planes[0][cheek].std()


def test_smoothing_keeps_an_edge_within_the_skin(studio: Any) -> None:
    scene = studio.scene()
    rows, columns = studio.cheek(scene)
    scene.picture.planes[0][rows, columns.start : columns.start + 8] -= 50
    target = scene.drawn(Look(smooth=1.0))
    before, after = (picture.planes[0][rows, columns].mean(axis=0) for picture in (scene.picture, target))
    assert after[8:].mean() - after[:8].mean() > 0.8 * (before[8:].mean() - before[:8].mean())


def test_smoothing_evens_blotches_of_colour(studio: Any) -> None:
    scene = studio.scene()
    x, y = (int(v) // 2 for v in scene.faces[0].landmarks_px[50, :2])
    blotch = np.s_[y - 1 : y + 2, x - 1 : x + 2]
    scene.picture.planes[2][blotch] += 5
    target = scene.drawn(Look(smooth=1.0))
    around = np.median(scene.picture.planes[2][y - 8 : y + 8, x - 8 : x + 8])
    assert target.planes[2][blotch].mean() - around < 0.7 * (scene.picture.planes[2][blotch].mean() - around)
