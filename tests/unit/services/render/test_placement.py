from __future__ import annotations

import math

import numpy as np
import pytest

from services.render.placement import Found, Place, fit, found_at

RNG = np.random.default_rng(5)


def moved(mesh: np.ndarray, angle: float = 0.0, scale: float = 1.0, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = mesh.copy()
    points[:, :2] = mesh[:, :2] @ turn.T + shift
    return points.astype(np.float32)


def found(points: np.ndarray) -> Found:
    one = found_at(points)
    assert one is not None
    return one


def shape_of(points: np.ndarray) -> np.ndarray:
    one = found(points)
    return one.away * math.exp(-one.place.log_spread)


def fitted(shape: np.ndarray, points: np.ndarray) -> tuple[Place, np.ndarray]:
    one = found(points)
    result = fit(shape, one.away, complex(one.place.x_px, one.place.y_px))
    assert result is not None
    return result


def test_a_face_lies_at_its_middle_with_its_spread(mesh: np.ndarray) -> None:
    points = moved(mesh, shift=(300, 200))
    place = found(points).place
    assert (place.x_px, place.y_px) == pytest.approx(points[:, :2].mean(axis=0), abs=1e-3)
    spread = np.sqrt(((points[:, :2] - points[:, :2].mean(axis=0)) ** 2).sum(axis=1).mean())
    assert math.exp(place.log_spread) == pytest.approx(spread, rel=1e-5)


def test_a_shape_laid_where_it_was_found_is_the_face_itself(mesh: np.ndarray) -> None:
    points = moved(mesh, 0.4, shift=(300, 200))
    laid = found(points).place.laid(shape_of(points))
    np.testing.assert_allclose(np.stack([laid.real, laid.imag], axis=1), points[:, :2], atol=1e-3)


def test_what_moves_all_points_is_found_and_nothing_is_missed(mesh: np.ndarray) -> None:
    start = found(mesh).place
    place, miss = fitted(shape_of(mesh), moved(mesh, 0.3, 1.2, (40, -7)))
    assert place.angle_rad == pytest.approx(0.3, abs=1e-5)
    assert place.log_spread - start.log_spread == pytest.approx(math.log(1.2), abs=1e-5)
    assert np.abs(miss).max() < 1e-5


def test_a_mouth_that_opens_moves_the_head_less_than_its_points_do_on_the_mean(mesh: np.ndarray) -> None:
    start = found(mesh).place
    points = mesh.copy()
    jaw = mesh[:, 1] > np.quantile(mesh[:, 1], 0.8)
    points[jaw, 1] += 20
    place, _ = fitted(shape_of(mesh), points)
    assert math.hypot(place.x_px - start.x_px, place.y_px - start.y_px) < 0.6 * 20 * jaw.mean()


def test_other_points_are_no_such_shape(mesh: np.ndarray) -> None:
    other = found(RNG.normal(0, 50, mesh.shape).astype(np.float32))
    assert fit(shape_of(mesh), other.away) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_points_that_are_nowhere_have_no_place(mesh: np.ndarray, value: float) -> None:
    points = mesh.copy()
    points[17, 2] = value
    assert found_at(points) is None


def test_points_on_top_of_each_other_have_no_place() -> None:
    assert found_at(np.full((468, 3), 7, np.float32)) is None
    assert found_at(np.empty((0, 3), np.float32)) is None


def test_a_step_is_what_it_moves_the_landmarks_by() -> None:
    step = Place(10, 20, math.log(50), 3.1).step_to(Place(15, 20, math.log(50), -3.1))
    assert step == pytest.approx((0.1, 0, 0, math.tau - 6.2))


def test_half_of_the_way_is_half_of_the_way_also_past_the_half_turn() -> None:
    between = Place(10, 20, 3.0, 3.1).towards(Place(20, 40, 4.0, -3.1), 0.5, 0.5)
    assert between[:3] == (15, 30, 3.5)
    assert abs(between.angle_rad) == pytest.approx(math.pi)
