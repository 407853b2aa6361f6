"""Something else behind people."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.backdrop import _parts, cut_out, fringes, put_behind
from services.render.people import matte
from services.render.region import Scratch
from shared.model.pictures import Picture


def drawn(silhouette: Any, value: int, *, edges: bool) -> Picture:
    target, backdrop = (Picture.blank(silhouette.picture.geometry, silhouette.picture.colour) for _ in range(2))
    silhouette.picture.copy_to(target)
    for plane in backdrop.planes:
        plane[...] = value
    made = matte(target, silhouette.mask, ())
    put_behind(target, backdrop, made, Scratch(), fringes(target, made) if edges else ())
    return target


@pytest.mark.parametrize("edges", [False, True])
def test_people_stay_as_they_are_and_the_background_goes_bit_by_bit(silhouette: Any, *, edges: bool) -> None:
    target = drawn(silhouette, 200, edges=edges)
    people, wall = (silhouette.deep(30, outside=out) for out in (False, True))
    assert people.any()
    for before, after in zip(silhouette.picture.planes, target.planes, strict=True):
        inside, outside = silhouette.at(people, before), silhouette.at(wall, before)
        assert np.array_equal(before[inside], after[inside])
        assert (after[outside] == 200).all()


def out_of_focus(scene: Any) -> np.ndarray:
    """Give a scene an edge whose pixels are half the one and half the other; [height, width]: people's share."""
    (pixels,), share = scene.picture.planes, cv2.GaussianBlur(scene.inside.astype(np.float32), (9, 9), 0)
    pixels[...] = np.rint(share[..., None] * scene.PERSON + (1 - share[..., None]) * scene.WALL)
    return share


def test_the_old_background_does_not_shine_through_the_edges(still_silhouette: Any) -> None:
    """Somebody reddish from before a blue wall has a blue rim before black, unless his fringe is taken out."""
    share = out_of_focus(still_silhouette)
    blue = []
    for edges in (False, True):
        rim = drawn(still_silhouette, 0, edges=edges).planes[0][(share > 0.3) & (share < 0.7)].astype(int)
        blue.append(float((rim[:, 2] - rim[:, 0] * 95 / 205).mean()))
    assert blue[0] > 10
    assert abs(blue[1]) < 0.4 * blue[0]


def test_the_parts_cover_all_but_whole_people_and_nothing_twice(silhouette: Any) -> None:
    made = matte(silhouette.picture, silhouette.mask, ())
    count = np.zeros(silhouette.inside.shape, np.uint8)
    for part, _ in _parts(made):
        part.cut(count, 1)[...] += 1
    assert count.max() == 1
    assert (count[~silhouette.inside] == 1).all()


def test_a_cut_out_has_opaque_people_and_nothing_of_the_background(still_silhouette: Any) -> None:
    out_of_focus(still_silhouette)
    target = Picture.blank(still_silhouette.picture.geometry, still_silhouette.picture.colour)
    still_silhouette.picture.copy_to(target)
    alpha = np.full(still_silhouette.inside.shape, 99, np.uint8)
    made = matte(target, still_silhouette.mask, ())
    cut_out(target, alpha, made, fringes(target, made), Scratch())
    people, wall = (still_silhouette.deep(30, outside=out) for out in (False, True))
    assert (alpha[people] == 255).all()
    assert (alpha[wall] == 0).all()
    assert (target.planes[0][alpha == 0] == 0).all()
    assert np.array_equal(target.planes[0][people], still_silhouette.picture.planes[0][people])
    rim = (alpha > 60) & (alpha < 200)
    assert rim.sum() > 50
    errors = np.abs(target.planes[0][rim].astype(int) - still_silhouette.PERSON).mean(axis=0)
    assert (errors < 0.2 * np.abs(np.subtract(still_silhouette.PERSON, still_silhouette.WALL))).all()
