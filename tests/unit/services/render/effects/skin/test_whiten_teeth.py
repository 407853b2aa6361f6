from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.looks import Look
from shared.model.parts import Part


def test_teeth_are_lightened_and_lose_yellow(studio: Any) -> None:
    scene = studio.scene()
    teeth, half = scene.inside(Part.MOUTH), scene.inside(Part.MOUTH, 2)
    target = scene.drawn(Look(whiten_teeth=1.0))
    assert target.planes[0][teeth].mean() > scene.picture.planes[0][teeth].mean() + 3
    before, after = (128 - picture.planes[1][half].mean() for picture in (scene.picture, target))
    assert after < 0.75 * before


def test_a_dark_open_mouth_has_no_teeth(studio: Any) -> None:
    scene = studio.scene()
    scene.picture.planes[0][scene.inside(Part.MOUTH)] = 40
    target = scene.drawn(Look(whiten_teeth=1.0))
    inside = scene.inside(Part.MOUTH)
    assert np.abs(target.planes[0][inside].astype(int) - scene.picture.planes[0][inside]).mean() < 1


def test_red_gums_and_lips_stay(studio: Any) -> None:
    scene = studio.scene()
    scene.picture.planes[2][scene.inside(Part.MOUTH, 2)] = 170
    target = scene.drawn(Look(whiten_teeth=1.0))
    assert np.abs(target.planes[0].astype(int) - scene.picture.planes[0]).max() <= 2
