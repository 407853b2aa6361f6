"""What the bench of accuracy counts as a face, as precision, and as jitter."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.accuracy_scores import (
    LEFT_EYE,
    RIGHT_EYE,
    WINDOW,
    Tally,
    distance,
    errors,
    jitter,
    same,
    series,
    still_windows,
)

FACE = (100.0, 100.0, 180.0, 200.0)
ELSEWHERE = (400.0, 100.0, 480.0, 200.0)


def mesh(shift: float = 0) -> np.ndarray:  # type: ignore[type-arg]  # of float64
    """Points on a line, eyes 100 pixels apart."""
    points = np.zeros((468, 3))
    points[:, 0] = shift
    points[LEFT_EYE, 0] = 100 + shift
    assert not points[RIGHT_EYE, 1]
    return points


@pytest.mark.parametrize(
    ("box", "alike"),
    [
        ((110, 120, 170, 210), True),
        ((90, 60, 190, 210), True),
        ((150, 100, 230, 200), False),
        ((120, 130, 140, 160), False),
        ((40, 0, 240, 300), False),
    ],
)
def test_a_face_is_found_by_a_box_of_its_size_and_place(box: tuple[float, ...], alike: bool) -> None:
    assert same(box, FACE) is alike


def test_recall_counts_faces_and_precision_counts_boxes() -> None:
    tally = Tally()
    tally.add("alone", [(FACE, 0.9), (ELSEWHERE, 0.8)], [FACE], [])
    tally.add("crowd", [(FACE, 0.4)], [FACE, ELSEWHERE], [])
    assert tally.recall() == pytest.approx(2 / 3)
    assert tally.recall(kind="crowd") == 0.5
    assert tally.recall(0.5) == pytest.approx(1 / 3)
    assert tally.precision() == pytest.approx(2 / 3)


def test_the_least_score_of_a_precision_is_above_what_is_too_often_wrong() -> None:
    tally = Tally()
    tally.add("alone", [(FACE, 0.9), (ELSEWHERE, 0.8)], [FACE], [])
    assert tally.least_score(1.0) == 0.9
    assert tally.least_score(0.5) == 0.8
    tally.add("nobody", [(FACE, 0.95)], [], [])
    assert tally.least_score(1.0) == float("inf")


def test_what_is_half_seen_is_neither_asked_for_nor_wrong() -> None:
    tally = Tally()
    tally.add("edge", [(ELSEWHERE, 0.8)], [], [ELSEWHERE])
    assert tally.wrong == []
    assert tally.recall() == 0


def test_the_error_is_told_in_parts_of_the_distance_of_the_eyes() -> None:
    assert distance(mesh(2), mesh()) == pytest.approx(0.02)


def test_of_two_meshes_that_are_expected_the_one_that_was_not_found_does_not_count() -> None:
    assert errors([[mesh(1)], []], [[mesh(), mesh(300)], [mesh()]]) == [pytest.approx(0.01)]


def test_a_face_that_is_lost_on_the_way_gives_no_series() -> None:
    found = [[mesh(), mesh(500)], [mesh(1), mesh(501)], [mesh(502)]]
    [(first, _, last)] = series(found)
    assert (first[0, 0], last[0, 0]) == (500, 502)


def test_a_face_that_moves_is_not_still() -> None:
    assert still_windows(np.stack([mesh(0)] * WINDOW)) == [0]
    assert still_windows(np.stack([mesh(n) for n in range(WINDOW)])) == []


def test_steady_movement_is_no_jitter_and_noise_is_what_it_is() -> None:
    steady = np.stack([mesh(n + 0.1 * n**2) for n in range(WINDOW)])
    assert jitter(steady, 0) < 1e-9
    noise = np.random.default_rng(0).normal(0, 0.5, steady.shape)
    assert jitter(steady + noise, 0) == pytest.approx(0.5 * np.sqrt(2) / 100, rel=0.05)
