"""A head behind one colour."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.drawing import Painter
from services.render.effects.privacy.face_cover import OPAQUE_FROM
from shared.model.effects import FaceCover
from shared.model.looks import Look
from shared.model.parts import Part
from shared.model.pictures import Colour, Matrix, Picture, PixelFormat


@pytest.mark.parametrize("amount", [OPAQUE_FROM, 0.7, 1.0])
def test_from_half_the_amount_on_one_colour_is_all_that_is_left(amount: float, studio: Any) -> None:
    scene = studio.scene(layout=PixelFormat.RGB24)
    target = scene.drawn(Look(face_cover=FaceCover(amount=amount, color="#3060a0")))
    assert (target.planes[0][scene.inside(Part.OVAL)] == (0x30, 0x60, 0xA0)).all()


def test_below_that_the_head_shines_through(studio: Any) -> None:
    scene = studio.scene()
    face = scene.inside(Part.OVAL)
    target = scene.drawn(Look(face_cover=FaceCover(amount=OPAQUE_FROM / 2)))
    before, after = (picture.planes[0][face].astype(float) for picture in (scene.picture, target))
    assert np.corrcoef(before, after)[0, 1] > 0.99
    assert after.std() == pytest.approx(before.std() / 2, rel=0.05)


def test_luma_and_chroma_end_at_the_same_place(studio: Any) -> None:
    scene = studio.scene()
    for plane, level in zip(scene.picture.planes, (200, 128, 128), strict=True):
        plane[...] = level
    target = scene.drawn(Look(face_cover=FaceCover(color="#ff0000")))
    luma = cv2.resize(target.planes[0], target.planes[2].shape[::-1], interpolation=cv2.INTER_AREA)
    y, cr = int(target.planes[0].min()), int(target.planes[2].max())
    covered = (luma.astype(float) - 200) / (y - 200), (target.planes[2].astype(float) - 128) / (cr - 128)
    assert np.abs(covered[0] - covered[1]).max() < 0.12


@pytest.mark.parametrize("matrix", Matrix)
@pytest.mark.parametrize("color", ["#ff0000", "#00ff00", "#0000ff", "#ffffff", "#000000"])
def test_the_strongest_colours_can_be_stored_in_full_range(color: str, matrix: Matrix, studio: Any) -> None:
    scene = studio.scene()
    picture = Picture(scene.picture.geometry, Colour(matrix, full_range=True), scene.picture.planes)
    before = [plane.copy() for plane in picture.planes]
    Painter().draw(picture, scene.faces, Look(face_cover=FaceCover(color=color)))
    assert not all(map(np.array_equal, before, picture.planes))
