from __future__ import annotations

import numpy as np
import pytest

from services.render.topology import at, enclosed, middle, mixed

SQUARE = np.array([(0, 0), (4, 0), (4, 3), (0, 3)], np.float32)


def test_landmarks_come_in_the_order_in_which_they_are_named() -> None:
    assert at(3, 1)(SQUARE).tolist() == [[0, 3], [4, 0]]


def test_a_middle_is_one_point() -> None:
    assert middle(0, 1, 2, 3)(SQUARE).tolist() == [[2, 1.5]]


def test_a_mixture_lies_between_its_landmarks_or_beyond_them() -> None:
    assert mixed({0: 0.75, 1: 0.25}, {2: 1.5, 3: -0.5})(SQUARE).tolist() == [[1, 0], [6, 3]]


def test_places_keep_single_precision() -> None:
    assert {place(SQUARE).dtype for place in (at(1), middle(0, 2), mixed({0: 0.3, 2: 0.7}))} == {np.dtype(np.float32)}


@pytest.mark.parametrize("step", [1, -1])
def test_a_ring_encloses_its_area_either_way_round(step: int) -> None:
    assert enclosed(SQUARE[::step]) == 12
