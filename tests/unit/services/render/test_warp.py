from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.bending import Bending
from services.render.bumps import Bumps
from services.render.effects import SHAPE_EFFECTS
from services.render.region import Region, Scratch
from services.render.shape import FaceShape
from services.render.warp import LEAST_AREA, displacement, most_open, resample
from shared.model.looks import Look

EVERY = Look(**dict.fromkeys(SHAPE_EFFECTS, 1.0))
OTHER = Look(
    slim_face=1, v_chin=1, chin_length=-1, forehead=-1, eye_distance=-1, mouth_size=-1, smile=-1, nose_length=-1
)


def strongest(scene: Any, look: Look) -> list[Bumps]:
    shapes = [FaceShape.of(face) for face in scene.faces]
    return [bumps for shape in shapes if shape and (bumps := Bending(look).bumps(shape))]


def areas(field: np.ndarray, step: int) -> np.ndarray:
    """What part of its area each place is taken from; below 0 the picture is folded."""
    along_x, along_y = np.gradient(field.astype(float) / step, axis=1), np.gradient(field.astype(float) / step, axis=0)
    return (1 + along_x[..., 0]) * (1 + along_y[..., 1]) - along_x[..., 1] * along_y[..., 0]


@pytest.mark.parametrize("look", [EVERY, OTHER], ids=["all at most", "all at least"])
def test_no_real_face_is_folded_at_full_strength(look: Look, clip: list[Any]) -> None:
    for scene in clip[::4]:
        for bumps in strongest(scene, look):
            region = Region.around(bumps.corners_px(), 4, 2, (4000, 4000))
            assert region is not None
            field = displacement(bumps, region)
            field *= np.float32(most_open(field, region.step))
            assert areas(field, region.step).min() > LEAST_AREA - 0.1


def test_what_would_fold_is_weakened_just_so_far_that_it_does_not() -> None:
    region = Region(0, 0, 200, 200, 4)
    values = ([(80, 100), (120, 100)], [60, 60], [(-70, 0), (70, 0)], [0, 0])
    field = displacement(Bumps(*(np.array(value, np.float32) for value in values)), region)
    assert areas(field, 4).min() < 0
    assert LEAST_AREA - 0.05 < areas(field * most_open(field, 4), 4).min() < LEAST_AREA + 0.2


def test_a_field_that_does_not_fold_stays_as_it_is(clip: list[Any]) -> None:
    (bumps,) = strongest(clip[0], Look(slim_face=0.5))[:1]
    region = Region.around(bumps.corners_px(), 0, 4, (4000, 4000))
    assert region is not None
    field = displacement(bumps, region)
    assert most_open(field, 4) == 1


def test_nothing_moves_at_the_border_of_the_region(clip: list[Any]) -> None:
    for bumps in strongest(clip[0], EVERY):
        region = Region.around(bumps.corners_px(), 0, 2, (4000, 4000))
        assert region is not None
        field = displacement(bumps, region)
        edges = [field[0], field[-1], field[:, 0], field[:, -1]]
        assert max(float(np.abs(edge).max()) for edge in edges) < 0.02


def whence(by: tuple[float, float], rows: int = 40, columns: int = 50) -> np.ndarray:
    """Where each sample comes from if all are moved alike."""
    return (np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) + np.array(by)).astype(np.float32)


def test_what_comes_from_itself_keeps_every_bit() -> None:
    samples = np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8)
    kept = samples.copy()
    resample(whence((0, 0)), samples, Scratch(), [(slice(5, 20), slice(7, 30))])
    assert np.array_equal(samples, kept)


def test_whole_steps_move_samples_without_changing_them() -> None:
    plane = np.random.default_rng(0).integers(0, 256, (60, 70), np.uint8)
    samples = plane[10:50, 10:60]
    kept = samples.copy()
    resample(whence((2, -1)), samples, Scratch(), [(slice(5, 20), slice(7, 30))])
    assert np.array_equal(samples[1:, :-2], kept[:-1, 2:])


def test_ringing_stays_within_the_extremes_around() -> None:
    samples = np.where(np.arange(40)[None, :] // 4 % 2, 235, 16).astype(np.uint8).repeat(40, axis=0)
    resample(whence((0.4, 0.4), 40, 40), samples, Scratch(), [(slice(0, 40), slice(0, 40))])
    assert (samples.min(), samples.max()) == (16, 235)
