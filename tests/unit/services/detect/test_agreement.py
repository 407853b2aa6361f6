"""What two models say of the same pictures, compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.agreement import of_detector, of_landmarks
from shared.model.errors import Rejected
from shared.model.faces import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray


def five(*, moved_px: float = 0.0, presence: float = 1.0) -> dict[str, NDArray[Any]]:
    points = np.array([[[20, 40, 0], [60, 40, 0], [40, 60, 0], [25, 80, 0], [55, 80, 0]]], np.float32)
    points[..., 0] += moved_px
    return {"landmarks": points, "presence": np.array([presence], np.float32)}


def boxes(*edges: tuple[float, float, float, float], score: float = 0.9) -> dict[str, NDArray[Any]]:
    return {"boxes": np.array(edges, np.float32).reshape(-1, 4), "scores": np.full(len(edges), score, np.float32)}


def test_landmarks_are_off_by_parts_of_the_distance_between_the_eyes() -> None:
    pairs = [(five(), five(moved_px=2)), (five(), five(moved_px=4)), (five(), five(moved_px=40))]
    assert of_landmarks(pairs, Layout.FIVE).off == pytest.approx(4 / 40)


def test_the_largest_change_of_presence_is_told() -> None:
    found = of_landmarks([(five(), five(presence=0.75)), (five(), five())], Layout.FIVE)
    assert found.details["presence, at most"] == "0.250 off"


def test_a_detector_that_says_the_same_is_not_off() -> None:
    faces = boxes((0, 0, 10, 10), (20, 20, 40, 40))
    assert of_detector([(faces, faces)]).off == 0


@pytest.mark.parametrize(
    ("other", "off"),
    [
        (boxes((0, 0, 10, 10)), 1 / 2),  # one of two is missed
        (boxes((0, 0, 10, 10), (20, 20, 40, 40), (90, 90, 99, 99)), 1 / 3),  # one of three is none
        (boxes((0, 0, 10, 10), (20, 20, 40, 38)), 1 / 20),  # one is a tenth too low
        (boxes(), 1),
    ],
)
def test_a_detector_is_off_by_what_it_does_worst(other: dict[str, NDArray[Any]], off: float) -> None:
    faces = boxes((0, 0, 10, 10), (20, 20, 40, 40))
    assert of_detector([(faces, other)]).off == pytest.approx(off)


def test_a_face_that_one_of_them_is_less_sure_of_is_met() -> None:
    sure, unsure = boxes((0, 0, 10, 10)), boxes((0, 0, 10, 10), score=0.3)
    assert of_detector([(sure, unsure)]).off == 0


def test_what_neither_is_sure_of_does_not_count() -> None:
    sure, unsure = boxes((0, 0, 10, 10)), boxes((50, 50, 90, 90), score=0.3)
    assert of_detector([(sure, sure), (unsure, boxes()), (boxes(), unsure)]).off == 0


def test_pictures_without_a_face_say_nothing() -> None:
    with pytest.raises(Rejected, match="No face"):
        of_detector([(boxes(), boxes())])
