"""Where the landmark model looks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.detect.regions import Region, shared_part
from shared.model.faces import Face


def keypoints(right_eye: tuple[float, float], left_eye: tuple[float, float]) -> np.ndarray:
    return np.array([right_eye, left_eye, (0, 0), (0, 0), (0, 0), (0, 0)], np.float32)


def test_an_upright_face_gets_a_square_half_as_large_again() -> None:
    region = Region.of_detection((100, 50, 180, 150), keypoints((120, 80), (160, 80)))
    assert region == Region(centre_px=(140, 100), side_px=150, angle_rad=0)


@pytest.mark.parametrize(
    ("left_eye", "angle"), [((100, 140), math.pi / 2), ((60, 100), math.pi), ((100, 60), -math.pi / 2)]
)
def test_the_square_turns_with_the_eyes(left_eye: tuple[float, float], angle: float) -> None:
    assert Region.of_detection((0, 0, 9, 9), keypoints((100, 100), left_eye)).angle_rad == pytest.approx(angle)


def test_the_corners_of_the_crop_are_the_corners_of_the_square() -> None:
    affine = Region((100, 60), 40, math.pi / 2).affine(192)
    np.testing.assert_allclose(affine @ (96, 96, 1), (100, 60))
    np.testing.assert_allclose(affine @ (0, 0, 1), (120, 40))  # a quarter turn clockwise: top left goes top right
    np.testing.assert_allclose(affine @ (192, 0, 1), (120, 80))


def test_landmarks_go_back_to_where_they_were_seen() -> None:
    region = Region((100, 60), 96, 0.3)
    crop = np.array([[96, 96, 10], [0, 0, -4]], np.float32)
    placed = region.placed(crop / 192)
    np.testing.assert_allclose(placed[0], (100, 60, 5), atol=1e-4)
    np.testing.assert_allclose(placed[1, :2], region.affine(192) @ (0, 0, 1), atol=1e-4)
    assert placed.dtype == np.float32


def test_a_followed_face_is_looked_for_around_its_landmarks() -> None:
    landmarks = np.tile(np.float32([50, 50, 0]), (468, 1))
    landmarks[0], landmarks[1] = (30, 20, 0), (70, 100, 0)
    landmarks[33], landmarks[263] = (40, 40, 0), (60, 60, 0)
    region = Region.of_face(Face.of(landmarks, 1.0))
    assert region == Region((50, 60), 120, pytest.approx(math.pi / 4))


@pytest.mark.parametrize(
    ("other", "part"),
    [((0, 0, 10, 10), 1), ((2, 2, 4, 4), 1), ((5, 0, 15, 10), 0.5), ((10, 0, 20, 10), 0), ((3, 3, 3, 3), 0)],
)
def test_the_shared_part_is_of_the_smaller_box(other: tuple[float, float, float, float], part: float) -> None:
    assert shared_part((0, 0, 10, 10), other) == part


def test_upside_down_the_face_lies_beyond_what_was_taken_for_its_forehead() -> None:
    region = Region((50.0, 40.0), 20.0, math.pi / 2)  # the top of the head is to the right
    turned = region.upside_down
    assert turned.centre_px[0] > 50
    assert turned.centre_px[1] == pytest.approx(40)
    assert turned.angle_rad == pytest.approx(math.pi * 3 / 2)
    assert turned.side_px > 20
