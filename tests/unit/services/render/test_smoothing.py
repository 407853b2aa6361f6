"""Calm where a face is still, prompt where it moves: noise and movement laid on a real face.

Whole clips are measured by tests/bench/calm.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from services.render.placement import found_at
from services.render.smoothing import LONGEST_GAP_SECONDS, Motion
from shared.model.faces import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

RATE = 30
NOISE = 0.004
"""Of a point, across and down together, in distances between the eyes: as Face Mesh has it on a frame with noise of one
step of luma in 255 (tests/bench/calm.py)."""


def begun(points: np.ndarray, seconds: float = 0.0) -> Motion:
    found = found_at(points)
    assert found is not None
    return Motion.begun(found, seconds)


def followed(motion: Motion, points: np.ndarray, seconds: float) -> Motion:
    found = found_at(points)
    assert found is not None
    return motion.followed(found, seconds)


def calmed(film: Sequence[np.ndarray], rate: float = RATE) -> np.ndarray:
    """[frames, n, 3]"""
    motion = begun(film[0])
    calm = [motion.points_px]
    for number, points in enumerate(film[1:], 1):
        motion = followed(motion, points, number / rate)
        calm.append(motion.points_px)
    return np.stack(calm)


def between_eyes(mesh: np.ndarray) -> float:
    return float(np.linalg.norm(mesh[33, :2] - mesh[263, :2]))


def jitter(film: np.ndarray, mesh: np.ndarray) -> float:
    """RMS over points and time of the distance from where the point is on the mean, in distances between the eyes."""
    away = (film - film.mean(axis=0))[..., :2]
    return float(np.sqrt((away**2).sum(axis=2).mean())) / between_eyes(mesh)


def still(mesh: np.ndarray, frames: int = 90, noise: float = NOISE, seed: int = 0) -> np.ndarray:
    """Two thirds of the noise are common to all points, as measured on real frames."""
    rng, deviation = np.random.default_rng(seed), noise * between_eyes(mesh) / math.sqrt(2)
    own = rng.normal(0, deviation * math.sqrt(5 / 9), (frames, *mesh.shape))
    common = rng.normal(0, deviation * 2 / 3, (frames, 1, 3))
    return (mesh + own + common).astype(np.float32)


def test_the_first_frame_is_taken_as_it_is(mesh: np.ndarray) -> None:
    np.testing.assert_allclose(begun(mesh).points_px, mesh, atol=1e-3)


@pytest.mark.parametrize("rate", [8, 30, 120])
def test_a_still_face_is_still(mesh: np.ndarray, rate: int) -> None:
    film = still(mesh, frames=4 * rate)
    calm = calmed(film, rate)
    assert jitter(film[rate:], mesh) > 0.0035
    assert jitter(calm[rate:], mesh) < (0.002 if rate == 8 else 0.0015)


def test_depth_is_calmed_too(mesh: np.ndarray) -> None:
    film = still(mesh)
    assert calmed(film)[30:, :, 2].std(axis=0).mean() < 0.5 * film[30:, :, 2].std(axis=0).mean()


@pytest.mark.parametrize("spreads_per_second", [1.0, 4.0, 12.0])
def test_a_face_that_moves_is_followed_within_a_hundredth(mesh: np.ndarray, spreads_per_second: float) -> None:
    """Whatever the speed: at the slowest that is a third of a frame's way."""
    way = np.arange(60) / RATE * spreads_per_second * between_eyes(mesh) * 0.54
    film = still(mesh, 60) + np.stack([way, 0 * way, 0 * way], axis=1)[:, None].astype(np.float32)
    truth = mesh[:, :2].mean(axis=0) + np.stack([way, 0 * way], axis=1)
    behind = np.linalg.norm(calmed(film)[:, :, :2].mean(axis=1) - truth, axis=1)
    assert behind[1:].max() < 0.011 * between_eyes(mesh)


def test_a_turn_that_begins_at_once_is_never_a_frame_behind(mesh: np.ndarray) -> None:
    """A head at rest that turns by 100 degrees a second: each frame is nearer to its own raw frame than to the last."""
    angles = np.maximum(0, np.arange(60) - 30) / RATE * math.radians(100)
    film = np.stack([turned(mesh, angle) for angle in angles]) + (still(mesh, 60) - mesh)
    calm = calmed(film)
    for number in range(32, 60):
        own, last = (np.linalg.norm((calm[number] - film[k])[:, :2], axis=1).mean() for k in (number, number - 1))
        assert own < last


def turned(mesh: np.ndarray, yaw: float) -> np.ndarray:
    x, z = mesh[:, 0], mesh[:, 2]
    return np.stack([x * math.cos(yaw) + z * math.sin(yaw), mesh[:, 1], z * math.cos(yaw) - x * math.sin(yaw)], axis=1)


def test_an_eyelid_that_closes_in_a_tenth_of_a_second_is_there_in_time(mesh: np.ndarray) -> None:
    upper, lower = [160, 159, 158], [144, 145, 153]
    open_by = mesh[lower, 1] - mesh[upper, 1]
    shut = np.clip((np.arange(60) - 40) / 3, 0, 1)
    film = still(mesh, 60)
    film[:, upper, 1] += shut[:, None] * open_by
    gap = (calmed(film)[:, lower, 1] - calmed(film)[:, upper, 1]).mean(axis=1) / open_by.mean()
    assert gap[39] > 0.9
    for frame in (41, 42, 43):
        assert gap[frame] == pytest.approx(1 - shut[frame], abs=0.15)


def test_lips_do_not_wait_for_the_head(mesh: np.ndarray) -> None:
    lips = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291]
    film = still(mesh, 60)
    opening = 0.06 * between_eyes(mesh) * (1 - np.cos(np.arange(60) / RATE * math.tau * 4)) / 2
    film[:, lips, 1] += opening[:, None]
    down = calmed(film)[30:, lips, 1].mean(axis=1) - mesh[lips, 1].mean()
    assert np.abs(down - opening[30:]).max() < 0.012 * between_eyes(mesh)


def test_after_a_gap_landmarks_are_taken_as_they_come(mesh: np.ndarray) -> None:
    motion = begun(mesh)
    away = mesh + np.float32(0.5)
    soon = followed(motion, away, 0.9 * LONGEST_GAP_SECONDS).points_px
    late = followed(motion, away, 1.1 * LONGEST_GAP_SECONDS).points_px
    assert np.abs(soon - away).max() > 0.05
    np.testing.assert_allclose(late, away, atol=1e-3)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_time_that_does_not_go_on_begins_anew(mesh: np.ndarray, seconds: float) -> None:
    away = mesh + np.float32(0.5)
    np.testing.assert_allclose(followed(begun(mesh), away, seconds).points_px, away, atol=1e-3)


def test_a_frame_that_is_twice_as_long_goes_as_far_as_two(mesh: np.ndarray) -> None:
    """What counts is the time: a step below the noise is approached at the same pace at 15 and 30 frames a second."""
    start, goal = begun(mesh), mesh + np.array((0.1, 0, 0), np.float32)
    twice = followed(followed(start, goal, 1 / 30), goal, 2 / 30)
    once = followed(start, goal, 2 / 30)
    x = [motion.points_px[:, 0].mean() - mesh[:, 0].mean() for motion in (twice, once)]
    assert x[0] == pytest.approx(x[1], rel=0.15)
    assert 0 < x[0] < 0.05


@pytest.mark.parametrize("layout", [Layout.IBUG, Layout.FIVE])
def test_faces_of_few_points_are_calmed_and_followed(mesh: np.ndarray, layout: Layout) -> None:
    few = mesh[:: 468 // layout][:layout].copy()
    few[:, 2] = 0
    rng = np.random.default_rng(0)
    film = np.repeat(few[None], 90, axis=0)
    film[..., :2] += rng.normal(0, 0.003 * between_eyes(mesh), (90, layout, 2)).astype(np.float32)
    film[60:, :, 0] += 0.2 * between_eyes(mesh)
    calm = calmed(film)
    assert jitter(calm[30:60], mesh) < 0.5 * jitter(film[30:60], mesh)
    assert abs(float((calm[61] - film[61])[:, 0].mean())) < 0.01 * between_eyes(mesh)
    assert not calm[..., 2].any()


def test_another_layout_or_shape_begins_anew(mesh: np.ndarray) -> None:
    other = np.random.default_rng(4).normal(0, 50, (468, 3)).astype(np.float32)
    np.testing.assert_allclose(followed(begun(mesh), other, 0.03).points_px, other, atol=1e-3)
    np.testing.assert_allclose(followed(begun(mesh), mesh[:68], 0.03).points_px, mesh[:68], atol=1e-3)


def test_a_motion_that_was_kept_goes_on_as_if_nothing_had_been(mesh: np.ndarray) -> None:
    film = still(mesh, 20)
    motion = kept = begun(film[0])
    for number, points in enumerate(film[1:], 1):
        motion = followed(motion, points, number / RATE)
        kept = followed(msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=Motion), points, number / RATE)
        assert kept == motion
        assert kept.points_px.tobytes() == motion.points_px.tobytes()
