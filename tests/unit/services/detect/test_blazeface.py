"""The two detectors as one: where each search looks, and what a close look makes of what it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from services.detect.blazeface import CLOSE_PX, FAR_PX, FARTHEST_PX, MOST_CLOSE, USUAL_PX, BlazeFace
from services.detect.contracts import Detection
from services.detect.sampling import sample_rgb
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NEAR_PX = 128
THIRD = CLOSE_PX / 3


def picture(width: int = 1280, height: int = 720) -> Picture:
    return Picture.over(Geometry(PixelFormat.RGB24, width, height), Colour(), np.zeros(width * height * 3, np.uint8))


def someone(score: float, x: float = 600, y: float = 300, side: float = 120) -> Detection:
    points = np.array([[x + side / 3, y + side / 3], [x + side * 2 / 3, y + side / 3]] * 3, np.float32)
    return Detection((x, y, x + side, y + side), points, score)


class Eye:
    """Stands for a detector: sees what it is told at each size, and keeps where it looked."""

    def __init__(self, seen: dict[int, list[Detection]], looked: list[int], size: int = 0) -> None:
        self._seen, self._looked, self._size = seen, looked, size

    def at(self, size_px: int, _: float) -> Eye:
        return Eye(self._seen, self._looked, size_px)

    def detect(self, _: Picture) -> list[Detection]:
        self._looked.append(self._size)
        return self._seen.get(self._size, [])

    def detect_all(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        return [self.detect(one) for one in pictures]


Look = tuple[list[Detection], list[int]]


def look(seen: dict[int, list[Detection]], turn: int = 0, shown: Picture | None = None) -> Look:
    looked: list[int] = []
    eye = Eye(seen, looked)
    faces = BlazeFace(eye, eye).detect(shown or picture(), turn)  # type: ignore[arg-type]  # stands for a detector
    return faces, looked


def in_the_middle(score: float, side: float = THIRD, off: float = 0.0) -> Detection:
    """A face of a close look."""
    corner = (CLOSE_PX - side) / 2 + off
    return someone(score, corner, corner, side)


@pytest.mark.parametrize(
    ("turn", "sizes"),
    [(0, [FAR_PX, NEAR_PX]), (1, [USUAL_PX, NEAR_PX]), (7, [USUAL_PX, NEAR_PX]), (8, [FAR_PX, NEAR_PX])],
)
def test_one_search_of_several_looks_far(turn: int, sizes: list[int]) -> None:
    assert look({}, turn)[1] == sizes


def test_the_short_range_is_not_asked_where_a_usual_search_sees_someone() -> None:
    sure = someone(0.9)
    assert look({USUAL_PX: [sure], NEAR_PX: [someone(0.95)]}, turn=1) == ([sure], [USUAL_PX])


def test_what_both_ranges_see_is_one_face() -> None:
    assert [face.score for face in look({FAR_PX: [someone(0.9)], NEAR_PX: [someone(0.95, x=610)]})[0]] == [0.95]


def test_what_is_sure_needs_no_close_look() -> None:
    assert CLOSE_PX not in look({FAR_PX: [someone(0.9)]})[1]


def test_a_close_look_tells_how_sure_a_faint_face_is_and_where() -> None:
    seen = {FAR_PX: [someone(0.3)], CLOSE_PX: [in_the_middle(0.8, side=THIRD / 2 * 1.5, off=THIRD / 10)]}
    [face] = look(seen)[0]
    assert face.score == 0.8
    assert face.box_px == pytest.approx((600 + 15 + 12, 300 + 15 + 12, 720 - 15 + 12, 420 - 15 + 12), abs=0.01)
    assert face.keypoints_px[0] == pytest.approx((627 + 30, 327 + 30), abs=0.01)


@pytest.mark.parametrize("close", [[], [in_the_middle(0.9, off=THIRD / 2)], [in_the_middle(0.9, side=THIRD * 2)]])
def test_what_a_close_look_does_not_show_is_no_face(close: list[Detection]) -> None:
    assert look({FAR_PX: [someone(0.8)], CLOSE_PX: close})[0] == []


def test_a_face_that_fills_the_picture_has_nothing_around_it_to_look_at() -> None:
    filling = someone(0.6, x=300, y=0, side=700)
    assert look({NEAR_PX: [filling]}) == ([filling], [FAR_PX, NEAR_PX])


def test_where_one_is_small_still_smaller_ones_are_looked_for() -> None:
    small, smaller = someone(0.9, side=40), someone(0.9, x=100, side=20)
    seen = {FAR_PX: [small], FARTHEST_PX: [small, smaller]}
    assert look(seen) == ([small, smaller], [FAR_PX, NEAR_PX, FARTHEST_PX])
    assert FARTHEST_PX not in look(seen, turn=8)[1]
    assert FARTHEST_PX not in look({FAR_PX: [someone(0.9, side=80)]})[1]


def test_no_more_pixels_are_made_than_the_picture_has() -> None:
    assert look({FAR_PX: [someone(0.9, x=1, y=1, side=20)]}, shown=picture(640, 480))[1][-1] == 640
    assert look({FAR_PX: [someone(0.9, x=1, y=1, side=9)]}, shown=picture(320, 240))[1] == [FAR_PX, NEAR_PX]


def test_close_looks_are_bounded() -> None:
    faint = [someone(0.3, x=50.0 * n, side=40) for n in range(MOST_CLOSE + 5)]
    assert look({FAR_PX: faint})[1].count(CLOSE_PX) == MOST_CLOSE


def mosaic(frames: list[Any], columns: int, rows: int) -> Picture:
    """Real frames side by side, 1280x720."""
    tiles = [cv2.resize(frame, (1280 // columns, 720 // rows), interpolation=cv2.INTER_AREA) for frame in frames]
    rows_of_tiles = [np.hstack(tiles[row * columns : (row + 1) * columns]) for row in range(rows)]
    pixels = np.vstack(rows_of_tiles)
    return Picture.over(Geometry(PixelFormat.RGB24, pixels.shape[1], pixels.shape[0]), Colour(), pixels)


@pytest.fixture
def frames(clip: Callable[[str, int], list[Picture]]) -> Callable[[str, int], list[Any]]:
    """RGB uint8 [height, width, 3] of a clip's first frames."""

    def rgb(name: str, count: int) -> list[Any]:
        pictures = clip(name, count)
        size = (pictures[0].geometry.width, pictures[0].geometry.height)
        return [sample_rgb(one, np.array([[1.0, 0, 0], [0, 1, 0]]), size, black_outside=False) for one in pictures]

    return rgb


def test_a_crowd_of_heads_a_tenth_of_the_height_is_found(finder: Any, frames: Any) -> None:
    sheet = mosaic(frames("two_heads.mp4", 9), 3, 3)
    assert len(finder._detector.detect(sheet)) == 18


@pytest.mark.parametrize("height", [120, 200, 360, 720])
@pytest.mark.parametrize("turn", [0, 1])
def test_the_skull_on_the_shirt_is_no_face_however_near(finder: Any, frames: Any, height: int, turn: int) -> None:
    for frame in frames("signer_plain.mkv", 40)[::8]:
        shirt = cv2.resize(frame[185:385, 215:445], (height * 230 // 200, height))
        shown = Picture.over(Geometry(PixelFormat.RGB24, shirt.shape[1], height), Colour(), shirt)
        assert finder._detector.detect(shown, turn) == []
