"""Sees as much as a detector can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.batching import Batches, Hands, together
from services.detect.contracts import Detection
from services.detect.watching import mirrored, unclaimed, watched
from shared.model.faces import Face
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from services.detect.batching import Search
    from services.detect.finding import FaceFinder

EYES = np.array([(30, 30), (50, 30), (40, 40), (35, 50), (45, 50)], np.float32)
HALF_SEEN = (572, 60, 640, 270)
"""Where a person is half in the picture of `signer_occluded`."""


class Detector:
    """Sees what it is told, in pixels of what it is shown, and remembers that."""

    keypoints = 5

    def __init__(self, *boxes_px: tuple[float, float, float, float]) -> None:
        self.boxes_px = boxes_px
        self.turns: list[int] = []

    def detect(self, picture: Picture, turn: int = 0) -> list[Detection]:
        self.turns.append(turn)
        return [Detection(box, EYES, 0.9) for box in self.boxes_px]

    def warm_up(self) -> None:
        raise AssertionError("nobody asked")


def come_to(search: Search[Any]) -> Any:
    """What one search comes to by itself."""
    [found] = together([search], Batches(), Hands())
    return found


def blank(layout: PixelFormat = PixelFormat.I420, width: int = 200, height: int = 100) -> Picture:
    made = Picture.blank(Geometry(layout, width, height), Colour())
    for plane in made.planes:
        plane[...] = np.arange(plane.shape[1]).reshape((-1, 1) if plane.ndim == 3 else -1)
    return made


@pytest.mark.parametrize("layout", PixelFormat)
@pytest.mark.parametrize("size", [(200, 100), (201, 101), (3, 700), (1, 1)])
def test_beyond_each_edge_lies_its_mirror_image(layout: PixelFormat, size: tuple[int, int]) -> None:
    wide, margin_px = mirrored(blank(layout, *size))
    assert margin_px % 2 == 0
    assert [plane.shape for plane in wide.planes] == list(wide.geometry.plane_shapes)
    row = wide.planes[0][margin_px].reshape(wide.geometry.width, -1)[:, 0]
    inside = row[margin_px : margin_px + size[0]]
    assert np.array_equal(row[:margin_px], inside[:margin_px][::-1])


def test_what_is_seen_is_told_where_it_is_in_the_picture_and_mirror_images_are_not() -> None:
    margin = mirrored(blank())[1]
    half, inside, image = (190, 20, 230, 60), (margin, margin, margin + 40, margin + 40), (90, 0, 110, margin - 1)
    first, second = come_to(watched(Detector(half, inside, image), blank()))
    assert first.box_px == tuple(edge - margin for edge in half)
    assert second.box_px == (0, 0, 40, 40)
    assert np.array_equal(first.keypoints_px, EYES - margin)


def test_every_frame_is_searched_as_thoroughly_as_a_first_one() -> None:
    detector = Detector()
    come_to(watched(detector, blank()))
    assert detector.turns == [0]


def test_a_face_claims_what_has_its_eyes_and_nothing_else() -> None:
    points = np.hstack([EYES, np.zeros((5, 1), np.float32)])
    face = Face(box_px=(20, 20, 60, 60), score=0.9, points=points.astype("<f4").tobytes())
    own, elsewhere = Detection((20, 20, 60, 60), EYES + 1, 0.9), Detection((25, 25, 65, 65), EYES + 20, 0.9)
    assert unclaimed([own, elsewhere], [face]) == (elsewhere.box_px,)
    assert unclaimed([own], []) == (own.box_px,)


def test_a_person_who_is_half_in_the_picture_is_seen_in_every_frame(finder: FaceFinder, clip: Any) -> None:
    for picture in clip("signer_occluded.mkv", 63)[::8]:
        faces = finder.find(picture)
        assert len(faces) == 1
        [(x0, y0, x1, y1)] = unclaimed(come_to(finder.watch(picture)), faces)
        assert HALF_SEEN[0] < (x0 + x1) / 2 < HALF_SEEN[2] + 10
        assert HALF_SEEN[1] < (y0 + y1) / 2 < HALF_SEEN[3]


@pytest.mark.parametrize("name", ["signer_plain.mkv", "two_heads.mp4", "signer_720p.mp4"])
def test_nothing_is_seen_where_there_are_only_faces(finder: FaceFinder, clip: Any, name: str) -> None:
    for picture in clip(name, 40)[::8]:
        assert unclaimed(come_to(finder.watch(picture)), finder.find(picture)) == ()
