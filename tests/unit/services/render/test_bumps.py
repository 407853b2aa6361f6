from __future__ import annotations

import numpy as np
import pytest

from services.render.bumps import Bumps, stretches


def pull(x: float, y: float, radius: float, by: tuple[float, float], zoom: float = 0.0) -> Bumps:
    values = ([(x, y)], [radius], [by], [zoom])
    return Bumps(*(np.array(value, np.float32) for value in values))


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


def test_a_grid_has_the_field_of_its_points() -> None:
    bumps = Bumps.joined([pull(50, 60, 20, (3, 0)), pull(55, 60, 30, (0, 4), -0.1)])
    xs, ys = np.arange(30, 90, 4, dtype=np.float32), np.arange(40, 80, 4, dtype=np.float32)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    assert bumps.field_of_grid(xs, ys).reshape(-1, 2) == pytest.approx(bumps.field(points), abs=1e-4)


def test_bumps_along_a_line_make_one_together_wherever_the_line_is() -> None:
    line = np.stack([np.linspace(0, 200, 21), np.full(21, 50)], axis=1).astype(np.float32)
    line[::2, 0] += 3  # not evenly apart
    moves = np.repeat(stretches(line, 40)[:, None], 2, axis=1)
    field = Bumps.pulling(line, 40, moves).field(np.array([(80, 50), (100, 50), (111, 50)], np.float32))
    assert field == pytest.approx(np.full((3, 2), -1), abs=0.06)


def test_closing_moves_both_sides_towards_the_middle() -> None:
    rows = np.linspace(0, 100, 11, dtype=np.float32)
    right, left = np.stack([np.zeros(11), rows], axis=1), np.stack([np.full(11, 100), rows], axis=1)
    bumps = Bumps.closing(right.astype(np.float32), left.astype(np.float32), np.full(11, 0.2, np.float32), 30)
    field = bumps.field(np.array([(0, 50), (100, 50), (50, 50)], np.float32))
    assert field == pytest.approx(np.array([(-10, 0), (10, 0), (0, 0)]), abs=0.7)


def test_so_many_times_the_bumps_are_so_many_times_the_field() -> None:
    bumps, points = pull(50, 60, 20, (3, 0), -0.1), np.array([(45, 60), (52, 65)], np.float32)
    assert bumps.times(0.3).field(points) == pytest.approx(0.3 * bumps.field(points), abs=1e-5)


def test_what_hardly_grows_needs_no_sharper_resampling() -> None:
    centre, radius = np.array([(50, 60)], np.float32), np.array([20], np.float32)
    squares = [len(list(Bumps.zooming(centre, radius, np.array([zoom])).magnified_px())) for zoom in (-0.2, -0.05, 0.2)]
    assert squares == [1, 0, 0]
