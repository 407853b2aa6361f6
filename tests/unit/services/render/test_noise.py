from __future__ import annotations

import math

import numpy as np
import pytest

from services.render.noise import Noise
from services.render.placement import Place

STEP = 1 / 30
SPREAD = 50.0


def learnt(places: np.ndarray, shapes: np.ndarray) -> Noise:
    """places [frames, 2] in spreads; shapes [frames, n] complex."""
    rows = [Place(x * SPREAD, y * SPREAD, math.log(SPREAD), 0.0) for x, y in places.tolist()]
    noise = Noise.begun(rows[0], shapes[0])
    for place, shape in zip(rows[1:], shapes[1:], strict=True):
        noise = noise.heard(place, shape, STEP)
    return noise


def shapes(frames: int, deviation: float) -> np.ndarray:
    rng = np.random.default_rng(2)
    shape = rng.normal(size=(2, 1, 468))
    points = shape + rng.normal(0, deviation / math.sqrt(2), (2, frames, 468))
    return (points[0] + 1j * points[1]).astype(np.complex64)


def test_white_noise_is_told_by_its_variance() -> None:
    places = np.random.default_rng(1).normal(0, 0.01, (300, 2))
    of_place, _, of_shape = learnt(places, shapes(300, 0.02)).variances
    assert math.sqrt(of_place) == pytest.approx(0.01 * math.sqrt(2), rel=0.4)
    assert math.sqrt(of_shape) == pytest.approx(0.02, rel=0.15)


def test_movement_is_not_taken_for_noise() -> None:
    to_and_fro = 0.5 * np.sin(np.arange(300) * STEP * math.tau)
    places = np.stack([to_and_fro, to_and_fro], axis=1)
    assert learnt(places, shapes(300, 0)).variances[0] < 0.001**2


def test_noise_is_told_on_a_face_that_moves() -> None:
    away = np.arange(300)[:, None] * 0.005 + np.random.default_rng(1).normal(0, 0.01, (300, 2))
    assert math.sqrt(learnt(away, shapes(300, 0)).variances[0]) == pytest.approx(0.01 * math.sqrt(2), rel=0.4)


@pytest.mark.parametrize("points", [5, 68, 468])
def test_a_few_points_are_kept_of_any_layout(points: int) -> None:
    noise = learnt(np.zeros((3, 2)), shapes(3, 0.01)[:, :points])
    assert 8 * min(points, 20) <= len(noise.sample) <= 8 * 36
