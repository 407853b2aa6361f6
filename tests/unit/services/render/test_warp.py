from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.effects.shape.enlarge_eyes import enlarge_eyes
from services.render.effects.shape.slim_face import slim_face
from services.render.region import Region, Scratch
from services.render.shape import FaceShape
from services.render.warp import Bumps, displacement, resample


def pull(x: float, y: float, radius: float, by: tuple[float, float], zoom: float = 0.0) -> Bumps:
    values = ([(x, y)], [radius], [by], [zoom])
    return Bumps(*(np.array(value, np.float32) for value in values))


def strongest(scene: Any) -> list[Bumps]:
    shapes = [FaceShape.of(face) for face in scene.faces]
    return [Bumps.joined([slim_face(shape, 1.0), enlarge_eyes(shape, 1.0)]) for shape in shapes if shape]


def test_a_pull_is_whole_at_its_centre_and_nothing_at_its_radius() -> None:
    bumps = pull(50, 60, 20, (3, -2))
    points = np.array([(50, 60), (70, 60), (50, 40), (200, 0)], np.float32)
    assert bumps.field(points) == pytest.approx(np.array([(3, -2), (0, 0), (0, 0), (0, 0)]), abs=1e-4)


def test_a_magnifier_shows_what_lies_nearer_to_its_centre() -> None:
    field = pull(50, 60, 20, (0, 0), -0.2).field(np.array([(50, 60), (51, 60), (50, 58)], np.float32))
    assert field == pytest.approx(np.array([(0, 0), (-0.2, 0), (0, 0.4)]), abs=1e-2)


def test_bumps_that_overlap_add_up() -> None:
    one, other = pull(50, 60, 20, (3, 0)), pull(55, 60, 30, (0, 4), -0.1)
    points = np.array([(45, 60), (52, 65)], np.float32)
    assert Bumps.joined([one, other]).field(points) == pytest.approx(one.field(points) + other.field(points), abs=1e-4)


def test_far_out_in_a_large_picture_the_field_is_as_sharp() -> None:
    near = pull(50, 60, 20, (3, 0)).field(np.array([(45, 60)], np.float32))
    far = pull(8050, 4060, 20, (3, 0)).field(np.array([(8045, 4060)], np.float32))
    assert far == pytest.approx(near, abs=1e-3)


def test_no_real_face_is_folded_at_full_strength(clip: list[Any]) -> None:
    for scene in clip[::4]:
        for bumps in strongest(scene):
            region = Region.around(bumps.corners_px(), 4, 2, (4000, 4000))
            assert region is not None
            field = displacement(bumps, region).astype(float) / region.step
            along_x, along_y = np.gradient(field, axis=1), np.gradient(field, axis=0)
            area = (1 + along_x[..., 0]) * (1 + along_y[..., 1]) - along_x[..., 1] * along_y[..., 0]
            assert area.min() > 0.2


def test_nothing_moves_at_the_border_of_the_region(clip: list[Any]) -> None:
    for bumps in strongest(clip[0]):
        region = Region.around(bumps.corners_px(), 0, 2, (4000, 4000))
        assert region is not None
        field = displacement(bumps, region)
        edges = [field[0], field[-1], field[:, 0], field[:, -1]]
        assert max(float(np.abs(edge).max()) for edge in edges) < 0.02


def test_a_field_of_zeros_leaves_every_bit() -> None:
    samples = np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8)
    kept = samples.copy()
    resample(np.zeros((40, 50, 2), np.float32), samples, Scratch(), [(slice(5, 20), slice(7, 30))])
    assert np.array_equal(samples, kept)


def test_whole_steps_move_samples_without_changing_them() -> None:
    plane = np.random.default_rng(0).integers(0, 256, (60, 70), np.uint8)
    samples = plane[10:50, 10:60]
    kept = samples.copy()
    moves = np.zeros((40, 50, 2), np.float32)
    moves[...] = (2, -1)
    resample(moves, samples, Scratch(), [(slice(5, 20), slice(7, 30))])
    assert np.array_equal(samples[1:, :-2], kept[:-1, 2:])


def test_ringing_stays_within_the_extremes_around() -> None:
    samples = np.where(np.arange(40)[None, :] // 4 % 2, 235, 16).astype(np.uint8).repeat(40, axis=0)
    moves = np.full((40, 40, 2), 0.4, np.float32)
    resample(moves, samples, Scratch(), [(slice(0, 40), slice(0, 40))])
    assert (samples.min(), samples.max()) == (16, 235)
