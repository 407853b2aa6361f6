"""A detector that also sees people who stand on their heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.detect.contracts import Detection
from services.detect.upside_down import EVERY, EitherWayUp, half_turned
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat


class Detector:
    """Sees what is brighter than 200, at its first pixel, as long as that is in the upper half."""

    keypoints = 1

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, picture: Picture, turn: int = 0) -> list[Detection]:
        self.looks += 1
        rows, columns = np.nonzero(picture.planes[0][:4] > 200)
        if not len(rows):
            return []
        x, y = float(columns[0]), float(rows[0])
        return [Detection((x, y, x + 2, y + 1), np.array([[x, y]], np.float32), 0.9)]

    def detect_all(self, pictures: list[Picture], turns: list[int]) -> list[list[Detection]]:
        return [self.detect(one, turn) for one, turn in zip(pictures, turns, strict=True)]


@pytest.fixture
def detector() -> Any:
    return Detector()


def picture(row: int, column: int) -> Picture:
    """Black, 10 wide and 8 high, with one bright sample; row -1 for none."""
    made = Picture.over(Geometry(PixelFormat.I420, 10, 8), Colour(), bytearray(10 * 8 * 3 // 2))
    if row >= 0:
        made.planes[0][row, column] = 255
    return made


def test_who_is_the_right_way_up_is_seen_at_one_look(detector: Any) -> None:
    [seen] = EitherWayUp(detector).detect(picture(1, 3))
    assert (seen.box_px, detector.looks) == ((3, 1, 5, 2), 1)


def test_who_is_upside_down_is_told_where_he_is_in_the_picture(detector: Any) -> None:
    [seen] = EitherWayUp(detector).detect(picture(6, 3))
    assert seen.keypoints_px.tolist() == [[3, 6]]
    assert (seen.box_px, seen.score) == ((1, 5, 3, 6), 0.9)


@pytest.mark.parametrize(("turn", "looks"), [(0, 2), (1, 1), (EVERY - 1, 1), (EVERY, 2)])
def test_in_later_searches_the_second_look_is_rare(detector: Any, turn: int, looks: int) -> None:
    assert EitherWayUp(detector).detect(picture(-1, 0), turn) == []
    assert detector.looks == looks


def test_every_plane_is_turned() -> None:
    source = picture(6, 3)
    source.planes[1][0, 0] = 7
    turned = half_turned(source)
    assert turned.planes[0][1, 6] == 255
    assert turned.planes[1][-1, -1] == 7
