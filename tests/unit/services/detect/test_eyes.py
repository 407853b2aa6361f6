"""Whether a detector and a landmark model mean the same face."""

from __future__ import annotations

import numpy as np
import pytest

from services.detect.contracts import Detection
from services.detect.eyes import agree
from shared.model.faces import Face, Layout

RIGHT, LEFT = (120.0, 130.0), (180.0, 130.0)
EYES = {Layout.MESH: ([33, 133], [362, 263]), Layout.IBUG: ([36, 39], [42, 45]), Layout.FIVE: ([0], [1])}


def face(layout: Layout) -> Face:
    """100 wide and high, with corners of each eye 10 to either side of its centre."""
    points = np.full((layout, 3), 150, np.float32)
    points[-2:, :2] = (100, 100), (200, 200)
    if layout is Layout.IBUG:
        points[36:42, :2], points[42:48, :2] = RIGHT, LEFT
    for indices, centre in zip(EYES[layout], (RIGHT, LEFT), strict=True):
        for index, shift in zip(indices, (-10, 10) if len(indices) > 1 else (0,), strict=True):
            points[index, :2] = centre[0] + shift, centre[1]
    return Face.of(points, 1.0)


def seen(shift: float) -> Detection:
    points = np.array([RIGHT, LEFT, (150, 150)], np.float32) + np.float32([0, shift])
    return Detection((100, 100, 200, 200), points, 0.9)


@pytest.mark.parametrize("layout", list(Layout))
def test_eyes_that_are_near_are_the_same(layout: Layout) -> None:
    assert agree(face(layout), seen(0))
    assert agree(face(layout), seen(10))


@pytest.mark.parametrize("layout", list(Layout))
def test_eyes_that_are_elsewhere_are_another_opinion(layout: Layout) -> None:
    assert not agree(face(layout), seen(30))


def test_a_face_that_is_upside_down_is_not_the_same() -> None:
    upright = seen(0)
    turned = Detection(upright.box_px, (300 - upright.keypoints_px).astype(np.float32), 0.9)
    assert not agree(face(Layout.MESH), turned)
