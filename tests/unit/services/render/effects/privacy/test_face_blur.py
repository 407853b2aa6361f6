"""A head far out of focus."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from shared.model.looks import Look
from shared.model.parts import Part
from shared.model.pictures import Picture, PixelFormat

BANDS = ((2, 3), (4, 6), (8, 16))
"""Cycles a face width."""
SIDE = 128


def detail(picture: Picture, face: Any) -> list[float]:
    """Mean amplitude of the luma in each band, over a square as wide as the face, upright with it."""
    points = face.landmarks_px
    right, left = points[234, :2], points[454, :2]
    along = (left - right) / SIDE
    turn = np.array([(along[0], -along[1]), (along[1], along[0])])
    affine = np.column_stack([turn, points[:, :2].mean(axis=0) - turn @ (SIDE / 2, SIDE / 2)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    square = cv2.warpAffine(picture.planes[0].astype(np.float32), affine, (SIDE, SIDE), flags=flags)
    window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
    energy = np.abs(np.fft.fft2((square - square.mean()) * window)) ** 2
    cycles = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIDE) * SIDE] * 2))
    return [float(np.sqrt(energy[(cycles >= low) & (cycles < high)].mean())) for low, high in BANDS]


def test_at_half_strength_the_detail_that_faces_are_told_apart_by_is_gone(clip: Any) -> None:
    for scene in clip[::20]:
        before, after = (detail(one, scene.faces[0]) for one in (scene.picture, scene.drawn(Look(face_blur=0.5))))
        left = np.divide(after, before)
        assert left[0] < 0.6
        assert left[1] < 0.1
        assert left[2] < 0.1


@pytest.mark.parametrize("layout", [PixelFormat.I420, PixelFormat.RGB24])
def test_more_strength_leaves_less_detail(layout: PixelFormat, studio: Any) -> None:
    scene = studio.scene(layout=layout)
    face = scene.inside(Part.OVAL)
    spread = [
        scene.drawn(Look(face_blur=value)).planes[0][face].std(axis=0).mean() for value in (0.0, 0.1, 0.25, 0.5, 1.0)
    ]
    assert all(more < 0.9 * less for less, more in pairwise(spread))


def test_what_is_even_stays_as_it_is(studio: Any) -> None:
    scene = studio.scene()
    for plane in scene.picture.planes:
        plane[...] = 117
    assert all((plane == 117).all() for plane in scene.drawn(Look(face_blur=1.0)).planes)


def test_next_to_nothing_is_drawn_all_the_same(studio: Any) -> None:
    scene = studio.scene()
    assert scene.drawn(Look(face_blur=5e-324)).geometry == scene.picture.geometry
