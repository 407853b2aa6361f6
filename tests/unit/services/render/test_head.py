"""The whole head, from the landmarks of any layout."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.head import Head, heads_of
from services.render.pose import MEAN_HEAD
from shared.model.faces import LANDMARKS, Face, Layout

UNIT_PX = 100.0
"""Distance between the outer corners of the eyes."""
CROWN, NAPE = (0.0, -1.3, 0.8), (0.0, 0.0, 1.9)
EARS = ((-1.02, 0.15, 0.75), (1.02, 0.15, 0.75))
CHIN, HAIRLINE = (0.0, 1.32, -0.05), (0.0, -0.85, 0.0)
MEASURED = (CROWN, NAPE, CHIN, HAIRLINE, *EARS, *MEAN_HEAD.values())
"""Of a man's head by its mean measures (see HALF_AXES), in the mean head's space."""
OF_FIVE = ((33, 133), (362, 263), (4,), (61,), (291,))
OF_IBUG = {27: 168, 28: 6, 29: 195, 30: 4, 31: 98, 33: 2, 35: 327, 36: 33, 39: 133, 42: 362, 45: 263, 48: 61, 54: 291}
POSES = [(0, 0, 0), (40, 0, 0), (-75, 10, 0), (90, 0, 0), (0, 35, 20), (0, -40, 0), (30, 20, 135), (0, 0, 180)]


def turned(points: Any, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Points [n, 3] of the mean head's space in pixels of a picture, around (500, 500)."""
    y, p, r = np.radians((-yaw, -pitch, roll))
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(np.array(points) @ (about_z @ about_x @ about_y).T * UNIT_PX + (500, 500, 0))


def face(layout: Layout, pose: tuple[float, float, float]) -> Face:
    """The mean head, as a model of that layout would give it."""
    known = dict(zip(MEAN_HEAD, turned(list(MEAN_HEAD.values()), *pose), strict=True))
    middle = np.mean(list(known.values()), axis=0)
    if layout is Layout.MESH:
        points = np.array([known.get(index, middle) for index in range(LANDMARKS)])
    elif layout is Layout.FIVE:
        points = np.array([np.mean([known[one] for one in between], axis=0) for between in OF_FIVE])
    else:
        points = np.array([known[OF_IBUG[index]] if index in OF_IBUG else middle for index in range(68)])
    return Face.of((points * (1, 1, layout is Layout.MESH)).astype(np.float32), 1.0)


def holds(head: Head, point: Any) -> bool:
    return cv2.pointPolygonTest(head.ring_px, (float(point[0]), float(point[1])), measureDist=False) >= 0


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("pose", POSES)
def test_crown_nape_ears_and_chin_lie_within_however_the_head_is_turned(
    layout: Layout, pose: tuple[float, float, float]
) -> None:
    head = Head.of(face(layout, pose))
    assert head is not None
    assert all(holds(head, point) for point in turned(MEASURED, *pose))


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("pose", POSES)
def test_what_is_hidden_is_no_more_than_twice_a_head(layout: Layout, pose: tuple[float, float, float]) -> None:
    head = Head.of(face(layout, pose))
    assert head is not None
    assert head.size_px**2 < 2 * np.pi * 1.3 * 1.1 * UNIT_PX**2 * 1.1


def test_landmarks_far_from_where_a_head_has_them_are_hidden_too(layouts: dict[Layout, Face]) -> None:
    points = layouts[Layout.MESH].landmarks_px.copy()
    points[152, 1] += 150  # a mouth wide open, far below
    head = Head.of(Face.of(points, 1.0))
    assert head is not None
    assert all(holds(head, point) for point in points)


def test_a_real_face_has_much_the_same_head_in_every_layout(layouts: dict[Layout, Face]) -> None:
    heads = [Head.of(one) for one in layouts.values()]
    sizes = [head.size_px for head in heads if head is not None]
    assert len(sizes) == 3
    assert max(sizes) < 1.2 * min(sizes)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0.0, 1e9])
@pytest.mark.parametrize("layout", Layout)
def test_landmarks_that_span_nothing_have_no_head(layout: Layout, broken: float) -> None:
    assert heads_of([Face.of(np.full((layout, 3), broken, np.float32), 1.0)]) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("layout", Layout)
def test_wild_landmarks_lie_within_their_head(layout: Layout, seed: int) -> None:
    points = np.random.default_rng(seed).normal(0, 10 ** (seed - 1), (layout, 3)).astype(np.float32)
    head = Head.of(Face.of(points, 1.0))
    assert head is not None
    assert np.isfinite(head.ring_px).all()
    assert all(holds(head, point) for point in points)


@pytest.mark.parametrize("pose", [pose for pose in POSES if not pose[0]])
def test_of_a_box_alone_the_head_lies_within_however_it_is_tilted(pose: tuple[float, float, float]) -> None:
    """The box as BlazeFace draws it: its middle 0.38 below the eyes, 1.75 wide, turned with nothing."""
    x, y, _ = turned([(0.0, 0.38, 0.0)], *pose)[0]
    reach = 1.75 / 2 * UNIT_PX
    head = Head.at((x - reach, y - reach, x + reach, y + reach))
    assert all(holds(head, point) for point in turned([CROWN, CHIN, HAIRLINE, *EARS], *pose))


def test_it_grows_around_its_middle() -> None:
    head = Head.at((100, 100, 200, 200))
    assert head.grown(1.5).size_px == pytest.approx(1.5 * head.size_px, rel=1e-3)
    assert head.grown(1.5).ring_px.mean(axis=0) == pytest.approx((150, 150), abs=0.1)


def test_widened_it_has_as_many_pixels_more_on_every_side() -> None:
    head = Head.at((100, 100, 200, 200))
    distances = np.linalg.norm(head.widened(10).ring_px - 150, axis=1)
    assert distances.min() >= np.linalg.norm(head.ring_px - 150, axis=1).min() + 9
    assert distances.max() <= np.linalg.norm(head.ring_px - 150, axis=1).max() + 10.1


def test_a_face_whose_landmarks_are_broken_is_hidden_by_its_box() -> None:
    points = np.full((LANDMARKS, 3), np.nan, np.float32)
    face = Face(box_px=(100.0, 100.0, 160.0, 180.0), score=1.0, points=points.tobytes())
    [head] = heads_of([face])
    assert (head.ring_px.min(axis=0) < (100, 100)).all()
    assert (head.ring_px.max(axis=0) > (160, 180)).all()


def test_a_head_of_no_size_has_a_step_all_the_same() -> None:
    assert Head.at((10.0, 10.0, 10.0, 10.0)).step(64) >= 1
