from __future__ import annotations

import numpy as np

from services.render.layouts.five import EYE_WIDTH, FIVE
from shared.model.parts import Part

AHEAD = np.array([(-30, 0), (30, 0), (0, 30), (-22, 60), (22, 60)], np.float32)


def widths(points: np.ndarray) -> list[float]:
    """Of the right eye and of the left, in distances between their centres."""
    apart = float(np.linalg.norm(points[1] - points[0]))
    corners = (FIVE.places[part](points) for part in (Part.RIGHT_EYE_CORNERS, Part.LEFT_EYE_CORNERS))
    return [float(np.linalg.norm(outer - inner)) / apart for outer, inner in corners]


def test_eyes_that_look_ahead_are_equally_wide() -> None:
    assert np.allclose(widths(AHEAD), EYE_WIDTH)


def test_the_eye_that_the_nose_moves_to_is_the_farther_and_narrower_one() -> None:
    turned = AHEAD.copy()
    turned[2, 0] += 15
    right, left = widths(turned)
    assert right > 1.1 * EYE_WIDTH
    assert left < 0.9 * EYE_WIDTH
    assert np.isclose(right + left, 2 * EYE_WIDTH)


def test_a_nose_beyond_all_measure_turns_no_eye_inside_out() -> None:
    wild = AHEAD.copy()
    wild[2, 0] += 9000
    assert min(widths(wild)) > 0.4 * EYE_WIDTH


def test_corners_lie_on_the_line_of_the_eyes_around_their_centres() -> None:
    for part, centre in ((Part.RIGHT_EYE_CORNERS, AHEAD[0]), (Part.LEFT_EYE_CORNERS, AHEAD[1])):
        assert np.allclose(FIVE.places[part](AHEAD).mean(axis=0), centre)
