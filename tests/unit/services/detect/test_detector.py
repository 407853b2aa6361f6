"""The detector: what it is shown, and where what it says lies in the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.detect.detector import GraphDetector
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat


class Camera:
    """Stands for the engine: keeps what it is shown and sees one face, in the middle of it."""

    def __init__(self) -> None:
        self.shown: Any = None
        self.warm: list[tuple[int, ...]] = []

    def warm_up(self, shapes: dict[str, tuple[int, ...]]) -> None:
        self.warm.append(shapes["image"])

    def run(self, image: Any, min_score: Any) -> dict[str, Any]:
        self.shown = image
        middle = np.array([image.shape[2] / 2, image.shape[1] / 2], np.float32)
        box = np.concatenate([middle - 8, middle + 8])[None]
        return {"boxes": box, "keypoints": np.tile(middle, (1, 6, 1)), "scores": np.array([0.9], np.float32)}


def detector(camera: Camera) -> GraphDetector:
    return GraphDetector(camera, size_px=192, multiple_px=32)  # type: ignore[arg-type]  # stands for the engine


def white(width: int, height: int) -> Picture:
    picture = Picture.blank(Geometry(PixelFormat.RGB24, width, height), Colour())
    picture.planes[0][:] = 255
    return picture


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((1280, 720), (128, 192)),
        ((720, 1280), (192, 128)),
        ((640, 480), (160, 192)),
        ((99, 99), (192, 192)),
        ((900, 2), (32, 192)),
    ],
)
def test_the_model_sees_no_more_black_than_its_strides_ask_for(size: tuple[int, int], shown: tuple[int, int]) -> None:
    camera = Camera()
    detector(camera).detect(white(*size))
    assert camera.shown.shape == (1, *shown, 3)


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (640, 480), (480, 640), (64, 64)])
def test_the_shapes_of_usual_pictures_are_warm(size: tuple[int, int]) -> None:
    camera = Camera()
    detector(camera).warm_up()
    detector(camera).detect(white(*size))
    assert camera.shown.shape in camera.warm


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (64, 64), (33, 1000)])
def test_the_middle_of_the_input_is_the_middle_of_the_picture(size: tuple[int, int]) -> None:
    camera = Camera()
    (seen,) = detector(camera).detect(white(*size))
    half = 8 * max(size) / 192
    middle = np.array(size) / 2
    assert seen.box_px == pytest.approx((*(middle - half), *(middle + half)), rel=1e-5, abs=1e-3)
    np.testing.assert_allclose(seen.keypoints_px, np.tile(middle, (6, 1)), rtol=1e-5)
    assert seen.score == pytest.approx(0.9)


def test_a_wide_picture_lies_between_two_black_bars() -> None:
    camera = Camera()
    detector(camera).detect(white(1280, 720))
    rows = camera.shown[0].mean(axis=(1, 2))
    assert rows[:9].max() == 0
    assert rows[11:117].min() == 255
    assert rows[119:].max() == 0


class Ranges:
    """Stands for an engine whose model knows faces of a certain size on its input: 8 to 40 pixels."""

    def __init__(self, *sides_px: float, score: float = 0.8) -> None:
        """sides_px: of the faces, side by side from the left of a picture of 1000 x 1000 pixels."""
        self.sides_px, self.score = sides_px, score

    def run(self, image: Any, min_score: Any) -> dict[str, Any]:
        scale = image.shape[2] / 1000
        seen = [(200 * n * scale, side * scale) for n, side in enumerate(self.sides_px) if 8 <= side * scale <= 40]
        boxes = np.array([(x, 0, x + side, side) for x, side in seen], np.float32).reshape(-1, 4)
        scores = np.array([self.score + 0.001 * side for _, side in seen], np.float32)
        return {"boxes": boxes, "keypoints": np.zeros((len(seen), 5, 2), np.float32), "scores": scores}


def test_a_second_size_adds_what_the_first_is_too_fine_for() -> None:
    engine: Any = Ranges(25, 50, 150)
    fine, both = (
        GraphDetector(engine, size_px=640, multiple_px=32, keypoints=5, more_px=more) for more in ((), (160,))
    )
    found = [[round(seen.box_px[2] - seen.box_px[0]) for seen in one.detect(white(1000, 1000))] for one in (fine, both)]
    assert sorted(found[0]) == [25, 50]
    assert sorted(found[1]) == [25, 50, 150]


def test_a_face_that_both_sizes_show_is_one_as_the_surer_has_it() -> None:
    engine: Any = Ranges(60)
    detector = GraphDetector(engine, size_px=640, multiple_px=32, keypoints=5, more_px=(160,))
    (seen,) = detector.detect(white(1000, 1000))
    assert seen.score == pytest.approx(0.8 + 0.001 * 60 * 0.64)


def test_faces_come_best_first_whichever_size_shows_them() -> None:
    engine: Any = Ranges(25, 150, 50)
    found = GraphDetector(engine, size_px=640, multiple_px=32, keypoints=5, more_px=(160,)).detect(white(1000, 1000))
    scores = [seen.score for seen in found]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_the_same_model_may_be_shown_another_size() -> None:
    camera = Camera()
    detector(camera).at(384).detect(white(640, 640))
    assert camera.shown.shape == (1, 384, 384, 3)


def test_a_real_face_is_found_with_its_eyes_in_order(finder: Any, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (seen,) = finder._detector.detect(picture)
    right_eye, left_eye, nose, mouth = seen.keypoints_px[:4]
    assert seen.box_px[0] < right_eye[0] < nose[0] < left_eye[0] < seen.box_px[2]
    assert right_eye[1] < nose[1] < mouth[1] < seen.box_px[3]
    assert seen.score > 0.8
