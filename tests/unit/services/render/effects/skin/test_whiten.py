from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.model.faces import Layout
from shared.model.looks import Look


def test_whitening_lightens_the_skin_and_keeps_its_shading(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(whiten=1.0))
    cheek = studio.cheek(scene)
    before, after = (picture.planes[0][cheek].astype(float) for picture in (scene.picture, target))
    assert after.mean() > before.mean() + 10
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98
    assert after.std() > 0.6 * before.std()


@pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])
@pytest.mark.parametrize("complexion", [(245, 220, 205), (205, 150, 125), (110, 70, 50), (70, 45, 35)])
def test_skin_of_any_complexion_is_lightened(complexion: tuple[int, int, int], layout: Layout, studio: Any) -> None:
    scene = studio.scene(skin=complexion)
    cheek = studio.cheek(scene)
    target = scene.seen_by(layout).drawn(Look(whiten=1.0))
    assert target.planes[0][cheek].mean() > scene.picture.planes[0][cheek].mean() + 3


def test_whitening_takes_some_colour_away(studio: Any) -> None:
    scene = studio.scene()
    x, y = (int(v) // 2 for v in scene.faces[0].landmarks_px[50, :2])
    target = scene.drawn(Look(whiten=1.0))
    assert 128 < target.planes[2][y, x] < scene.picture.planes[2][y, x]
