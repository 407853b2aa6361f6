"""Faces of a detector's own five points."""

from __future__ import annotations

from typing import Any

import numpy as np

from services.detect.batching import Batches, Hands, together
from services.detect.contracts import Detection
from services.detect.finding import How
from services.detect.keypoints import KeypointFinder
from shared.model.faces import Layout
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

PICTURE = Picture.over(Geometry(PixelFormat.RGB24, 1, 1), Colour(), bytes(3))
POINTS = np.array([[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]], np.float32)


class Detector:
    keypoints = 5

    def __init__(self) -> None:
        self.turns: list[int] = []

    def detect(self, picture: Any, turn: int = 0) -> list[Detection]:
        self.turns.append(turn)
        return [Detection((5.0, 4.0, 25.0, 28.0), POINTS + shift, 0.9 - shift) for shift in (0.0, 0.25)]


def found(detector: Any, max_faces: int) -> Any:
    [faces] = together([KeypointFinder(detector, max_faces).search(PICTURE, [], How(turn=3))], Batches(), Hands())
    return faces


def test_the_key_points_are_the_landmarks_and_the_box_is_the_detectors() -> None:
    first, second = found(Detector(), 8)
    assert first.layout is Layout.FIVE
    assert first.landmarks_px[:, :2].tolist() == POINTS.tolist()
    assert not first.landmarks_px[:, 2].any()
    assert (first.box_px, first.score, second.score) == ((5, 4, 25, 28), 0.9, 0.65)


def test_every_frame_is_searched_as_thoroughly_as_a_still() -> None:
    detector = Detector()
    found(detector, 8)
    assert detector.turns == [0]


def test_no_more_faces_than_asked_for() -> None:
    assert len(found(Detector(), 1)) == 1


def test_what_was_seen_at_a_glance_is_not_looked_for_again() -> None:
    detector: Any = Detector()
    finder = KeypointFinder(detector, 8)
    how = How(seen=finder.glance(PICTURE, 1)[:1])
    [faces] = together([finder.search(PICTURE, [], how)], Batches(), Hands())
    assert (faces[0].box_px, len(faces), len(detector.turns)) == ((5, 4, 25, 28), 1, 1)


def test_who_is_beyond_the_most_faces_is_seen_on_watch() -> None:
    detector: Any = Detector()
    picture = Picture.over(Geometry(PixelFormat.RGB24, 40, 40), Colour(), bytes(40 * 40 * 3))
    [seen] = together([KeypointFinder(detector, 1).watch(picture)], Batches(), Hands())
    assert len(seen) == 2
