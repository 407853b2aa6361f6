from __future__ import annotations

from typing import Any

from shared.model.effects import Contour
from shared.model.looks import Look
from shared.model.parts import Part


def test_hollows_darken_and_the_ridge_of_the_nose_lightens(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(contour=Contour(amount=1.0, highlight=1.0)))
    change = target.planes[0].astype(int) - scene.picture.planes[0]
    assert change[scene.inside(Part.RIGHT_HOLLOW)].mean() < -6
    assert change[scene.inside(Part.LEFT_HOLLOW)].mean() < -6
    x, y = (int(v) for v in scene.faces[0].landmarks_px[197, :2])
    assert change[y - 3 : y + 3, x - 1 : x + 2].mean() > 3


def test_shades_and_lights_are_apart(studio: Any) -> None:
    scene = studio.scene()
    shades = scene.drawn(Look(contour=Contour(amount=1.0, highlight=0.0)))
    lights = scene.drawn(Look(contour=Contour(amount=0.0, highlight=1.0)))
    assert (shades.planes[0].astype(int) - scene.picture.planes[0]).max() <= 0
    assert (lights.planes[0].astype(int) - scene.picture.planes[0]).min() >= 0
