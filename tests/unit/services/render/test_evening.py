from __future__ import annotations

from typing import Any

import numpy as np

from services.render.evening import even_chroma
from tests.unit.services.render.pictures import toned


def evened(scene: Any) -> tuple[np.ndarray, np.ndarray]:
    """Y and Cr of a scene whose skin's colour was evened all over."""
    return toned(scene, lambda tone, canvas: even_chroma(tone, canvas, canvas.skin.texture, 5))


def test_a_spot_of_another_colour_fades_and_brightness_stays(studio: Any) -> None:
    scene = studio.scene()
    rows, columns = (slice(side.start // 2 + 2, side.stop // 2 - 2) for side in studio.cheek(scene))
    red = scene.picture.planes[2]
    around = int(red[rows, columns].mean())
    red[rows, columns] += 6
    luma, after = evened(scene)
    assert np.array_equal(luma, scene.picture.planes[0])
    assert 0 <= after[rows, columns].mean() - around < 4


def test_lips_do_not_bleed_into_the_skin_beside_them(studio: Any) -> None:
    scene = studio.scene()
    x, y = (int(v) // 2 for v in scene.faces[0].landmarks_px[164, :2])  # between nose and lips
    skin = scene.picture.planes[2][y - 1 : y + 2, x - 1 : x + 2].mean()
    assert abs(evened(scene)[1][y - 1 : y + 2, x - 1 : x + 2].mean() - skin) < 2
