"""A head as coarse squares that move with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.render.head import Head
from shared.model.looks import Look
from shared.model.pictures import PixelFormat


def drawn(scene: Any, face: Any, value: float) -> np.ndarray:
    there = replace(scene, faces=(face,))
    return np.asarray(there.drawn(Look(face_pixelate=value)).planes[0])


def box(face: Any) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the face's head, to the pixel."""
    head = Head.of(face)
    assert head is not None
    (x0, y0), (x1, y1) = head.ring_px.min(axis=0), head.ring_px.max(axis=0)
    return round(float(x0)), round(float(y0)), round(float(x1)), round(float(y1))


@pytest.mark.parametrize("layout", [PixelFormat.I420, PixelFormat.RGB24])
@pytest.mark.parametrize(("value", "most"), [(0.25, 16), (0.5, 8), (0.75, 6), (1.0, 4)])
def test_a_head_is_so_many_squares_across(value: float, most: int, layout: PixelFormat, studio: Any) -> None:
    scene = studio.scene(500, 500, layout)
    ramp = np.linspace(20, 235, 500)[None, :]
    scene.picture.planes[0][...] = ramp if layout is PixelFormat.I420 else ramp[..., None]
    face = scene.faces[0]
    x0, y0, x1, y1 = box(face)
    middle = drawn(scene, face, value)[(y0 + y1) // 2, x0 + 2 : x1 - 2].reshape(x1 - x0 - 4, -1)
    changes = np.flatnonzero(np.any(middle[1:] != middle[:-1], axis=1))
    assert len(changes) + 1 <= most
    assert len(changes) + 1 >= most - 2
    assert np.ptp(np.diff(changes)) <= 4


def test_each_square_shows_the_mean_of_what_it_hides(studio: Any) -> None:
    scene = studio.scene(500, 500)
    x0, y0, x1, y1 = box(scene.faces[0])
    target = drawn(scene, scene.faces[0], 0.5)
    middle = (y0 + y1) // 2, (x0 + x1) // 2
    same = target == target[middle]
    rows = np.flatnonzero(same[:, middle[1]][middle[0] - 60 : middle[0] + 60]) + middle[0] - 60
    columns = np.flatnonzero(same[middle[0], middle[1] - 60 : middle[1] + 60]) + middle[1] - 60
    hidden = scene.picture.planes[0][rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert target[middle] == pytest.approx(hidden.mean(), abs=1)


def test_squares_move_with_the_head_and_do_not_swim_over_it(studio: Any) -> None:
    """The same head, moved with what is around it: the same squares, moved."""
    scene = studio.scene(700, 500)
    scene.picture.planes[0][...] = np.random.default_rng(2).integers(0, 256, (500, 700))
    shifted = studio.scene(700, 500)
    shifted.picture.planes[0][...] = np.roll(scene.picture.planes[0], 26, axis=1)
    here, there = studio.face(300, 250), studio.face(326, 250)
    one, two = drawn(scene, here, 0.5), drawn(shifted, there, 0.5)
    x0, y0, x1, y1 = box(here)
    x, y = (x1 - x0) // 5, (y1 - y0) // 5
    inner = slice(y0 + y, y1 - y), slice(x0 + x, x1 - x)
    moved = np.roll(two, -26, axis=1)[inner].astype(int)
    assert np.abs(one[inner] - moved).max() <= 1
    assert not np.array_equal(scene.picture.planes[0][inner], one[inner])
