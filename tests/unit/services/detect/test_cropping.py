"""Where a landmark model looks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.detect.contracts import Detection
from services.detect.cropping import CropRule, rule_of
from services.detect.models.registry import Family
from shared.model.faces import Face

random = np.random.default_rng(3)


def face(angle: float = 0.0) -> Face:
    """68 points: eyes 40 pixels apart about (100, 100), the rest within a square of 80 about (100, 110), turned."""
    points = random.uniform(-40, 40, (68, 2)) + np.array((0, 10))
    points[36:42], points[42:48] = (-20, 0), (20, 0)
    points[0], points[16] = (-40, -30), (40, 50)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return Face.of(np.column_stack([points @ turn.T + 100, np.zeros(68)]).astype(np.float32), 1.0)


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.5])
def test_the_square_about_the_points_turns_with_the_eyes(angle: float) -> None:
    region = CropRule(of_points=1.25).around_face(face(angle))
    assert region.side_px == pytest.approx(100, rel=1e-4)
    assert region.angle_rad == pytest.approx(angle, abs=1e-5)
    down = (-10 * math.sin(angle), 10 * math.cos(angle))
    assert region.centre_px == pytest.approx((100 + down[0], 100 + down[1]), abs=1e-3)


def test_the_square_may_lie_lower_than_the_points() -> None:
    assert CropRule(of_points=1, down=0.25).around_face(face()).centre_px == pytest.approx((100, 130), abs=1e-3)


def test_five_points_are_turned_by_the_first_two() -> None:
    points = np.float32([[10, 10, 0], [10, 50, 0], [0, 30, 0], [-10, 15, 0], [-10, 45, 0]])
    region = CropRule(of_points=2).around_face(Face.of(points, 1.0))
    assert region.angle_rad == pytest.approx(math.pi / 2)
    assert region.side_px == pytest.approx(80)
    assert region.centre_px == pytest.approx((0, 30))


def test_a_detection_gives_the_first_guess() -> None:
    seen = Detection((10, 20, 50, 40), np.float32([[20, 30], [40, 30], [30, 35], [25, 38], [35, 38]]), 0.9)
    region = CropRule(of_points=1, of_detection=1.5).around_detection(seen)
    assert (region.centre_px, region.side_px, region.angle_rad) == ((30, 30), 60, 0)


def test_the_mesh_has_its_own_way() -> None:
    assert rule_of(Family.FACEMESH, 468) is None


def test_five_points_want_more_around_them() -> None:
    five, many = rule_of(Family.HEATMAP, 5), rule_of(Family.HEATMAP, 68)
    assert five
    assert many
    assert five.of_points > 2 * many.of_points
