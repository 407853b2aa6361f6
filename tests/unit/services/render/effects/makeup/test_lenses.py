from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.effects import Lenses
from shared.model.looks import Look
from shared.model.parts import Part


def scene_with_irises(studio: Any, shift: int = 0) -> tuple[Any, np.ndarray]:
    """Eyes of white with a dark disc; answers the scene and where the right one's middle lies, in chroma samples."""
    scene = studio.scene()
    eyes = scene.inside(Part.RIGHT_EYE) | scene.inside(Part.LEFT_EYE)
    scene.picture.planes[0][eyes] = 190
    rows, columns = np.indices(eyes.shape)
    for eye in (Part.RIGHT_EYE, Part.LEFT_EYE):
        inside = np.argwhere(scene.inside(eye))
        y, x = inside.mean(axis=0)
        disc = np.hypot(columns - x - shift, rows - y) < 0.2 * np.ptp(inside[:, 1])
        scene.picture.planes[0][disc & eyes] = 50
    right = np.argwhere(scene.inside(Part.RIGHT_EYE)).mean(axis=0)
    return scene, ((right + np.array((0, shift))) / 2).astype(int)


def test_irises_take_the_colour_and_the_white_does_not(studio: Any) -> None:
    scene, (y, x) = scene_with_irises(studio)
    target = scene.drawn(Look(lenses=Lenses(color="#2060ff", amount=1.0)))
    bluer = target.planes[1].astype(int) - scene.picture.planes[1]
    assert bluer[y - 2 : y + 3, x - 3 : x + 4].max() > 12
    corner = scene.faces[0].landmarks_px[33, :2].astype(int) // 2
    assert abs(bluer[corner[1], corner[0] + 1]) <= 2


def test_they_follow_the_look_of_the_eye(studio: Any) -> None:
    for shift in (-8, 8):
        scene, (_, x) = scene_with_irises(studio, shift)
        target = scene.drawn(Look(lenses=Lenses(color="#2060ff", amount=1.0)))
        bluer = np.abs(target.planes[1].astype(int) - scene.picture.planes[1]) * scene.inside(Part.RIGHT_EYE, 2)
        found = (bluer * np.arange(bluer.shape[1])).sum() / bluer.sum()
        assert abs(found - x) < 2.5


def test_irises_too_small_to_be_seen_stay(studio: Any) -> None:
    scene = studio.scene()
    small = (studio.face(180, 190, 0.15),)
    assert np.array_equal(scene.drawn(Look(lenses=Lenses(amount=1.0)), small).planes[1], scene.picture.planes[1])
