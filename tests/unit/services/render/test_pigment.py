from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.pigment import stain
from tests.unit.services.render.pictures import toned


def stained(scene: Any, colour: str, cover: float) -> tuple[np.ndarray, np.ndarray]:
    """Y and Cr of the whole face after a stain at full weight."""
    return toned(scene, lambda tone, canvas: stain(tone, canvas, canvas.nothing() + np.float32(1), colour, cover))


@pytest.mark.parametrize("colour", ["#402020", "#ffe0e0"])
def test_skin_is_shifted_to_the_colour_and_keeps_its_grain(colour: str, studio: Any) -> None:
    scene = studio.scene()
    cheek = studio.cheek(scene)
    luma, _ = stained(scene, colour, 0.5)
    before, after = scene.picture.planes[0][cheek].astype(float), luma[cheek].astype(float)
    assert (after.mean() > before.mean()) == (colour == "#ffe0e0")
    assert after.std() > 0.6 * before.std()


def test_no_spot_is_shifted_past_the_colour(studio: Any) -> None:
    scene = studio.scene()
    x, y = (int(v) for v in scene.faces[0].landmarks_px[50, :2])
    scene.picture.planes[0][y - 12 : y + 12, x - 12 : x + 12] = 60  # darker than the colour, which darkens the skin
    luma, _ = stained(scene, "#804040", 1.0)
    assert np.abs(luma[y - 6 : y + 6, x - 6 : x + 6].astype(int) - 60).max() <= 1


def test_the_hue_is_the_colours_own(studio: Any) -> None:
    scene = studio.scene(full_range=True)
    _, red = stained(scene, "#c02020", 0.3)
    x, y = (int(v) // 2 for v in scene.faces[0].landmarks_px[50, :2])
    assert red[y, x] == pytest.approx(128 + 0.713 * (192 - (0.299 * 192 + 0.701 * 32)), abs=3)
