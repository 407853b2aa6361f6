from __future__ import annotations

from typing import Any

import numpy as np

from shared.model.effects import Lipstick
from shared.model.looks import Look
from shared.model.parts import Part


def test_lips_take_the_colour_and_keep_their_lines(studio: Any) -> None:
    scene = studio.scene(full_range=True)
    lips = scene.inside(Part.LIPS) & ~scene.inside(Part.MOUTH)
    target = scene.drawn(Look(lipstick=Lipstick(color="#7a2050", amount=1.0)))
    y, _, cr = (np.median(plane[lips[::s, ::s]]) for plane, s in zip(target.planes, (1, 2, 2), strict=True))
    assert abs(y - 0.299 * 122 - 0.587 * 32 - 0.114 * 80) < 17
    assert abs(cr - 175) < 12  # 128 + 0.713 * (122 - 64)
    before, after = (picture.planes[0][lips].std() for picture in (scene.picture, target))
    assert after > 0.7 * before


def test_teeth_and_skin_keep_their_colour(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(lipstick=Lipstick(amount=1.0)))
    teeth = scene.inside(Part.MOUTH)
    differ = np.abs(target.planes[0].astype(int) - scene.picture.planes[0])
    assert np.median(differ[teeth]) <= 2
    assert not differ[studio.cheek(scene)].any()


def test_something_of_another_colour_before_the_mouth_is_not_painted(studio: Any) -> None:
    scene = studio.scene()
    lips = scene.inside(Part.LIPS)
    rows, columns = np.nonzero(lips)
    finger = np.s_[rows.min() : rows.max(), columns.min() : columns.min() + 14]
    halves = np.s_[rows.min() // 2 : rows.max() // 2, columns.min() // 2 : columns.min() // 2 + 7]
    for plane, level in zip(scene.picture.planes, (165, 108, 150), strict=True):
        plane[finger if plane.shape == lips.shape else halves] = level
    target = scene.drawn(Look(lipstick=Lipstick(amount=1.0)))
    inner = np.s_[rows.min() + 6 : rows.max() - 6, columns.min() : columns.min() + 9]
    assert np.abs(target.planes[0][inner].astype(int) - 165).max() <= 12


def test_gloss_shines_more_than_matte(studio: Any) -> None:
    scene = studio.scene()
    lips = scene.inside(Part.LIPS) & ~scene.inside(Part.MOUTH)
    rows, columns = np.nonzero(lips)
    scene.picture.planes[0][rows[::9], columns[::9]] += 60
    looks = [Look(lipstick=Lipstick(amount=1.0, finish=finish)) for finish in ("gloss", "matte")]
    gloss, matte = (scene.drawn(look).planes[0][lips].std() for look in looks)
    assert gloss > 1.05 * matte
