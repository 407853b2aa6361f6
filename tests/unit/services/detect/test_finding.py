"""Finding and following faces in real clips, against what MediaPipe itself says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.batching import Batches, Hands, together
from services.detect.finding import FaceFinder, How
from services.detect.models.store import REGISTRY_FILE
from services.detect.sampling import sample_rgb
from shared.model.errors import Misconfigured
from shared.model.faces import Face
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DETECT_EVERY = 5
INNER_EYE, OUTER_EYE = 33, 263


def follow(finder: FaceFinder, pictures: list[Picture]) -> list[list[Face]]:
    found: list[list[Face]] = []
    for number, picture in enumerate(pictures):
        found.append(finder.find(picture, found[-1] if found else None, detect=number % DETECT_EVERY == 0))
    return found


def error(landmarks: NDArray[Any], expected: NDArray[Any]) -> float:
    """Mean distance in parts of the distance between the eyes."""
    between_eyes = np.linalg.norm(expected[INNER_EYE, :2] - expected[OUTER_EYE, :2])
    return float(np.linalg.norm(landmarks[:, :2] - expected[:, :2], axis=1).mean() / between_eyes)


def errors(found: list[list[Face]], meshes: NDArray[Any], frames: NDArray[Any]) -> list[float]:
    """Of every face that both see, the nearest taken for the same."""
    pairs = [(faces, meshes[frames == number]) for number, faces in enumerate(found)]
    nearest = [min(error(face.landmarks_px, m) for m in seen) for faces, seen in pairs if len(seen) for face in faces]
    return [value for value in nearest if value < 0.5]


@pytest.mark.parametrize(
    ("name", "file", "faces"),
    [
        ("signer_plain", "signer_plain.mkv", 1),
        ("signer_occluded", "signer_occluded.mkv", 1),
        ("two_heads", "two_heads.mp4", 2),
    ],
)
def test_followed_landmarks_are_those_of_mediapipe(
    finder: FaceFinder, golden: Any, clip: Any, name: str, file: str, faces: int
) -> None:
    expected, found = golden(name), follow(finder, clip(file, 40))
    assert [len(seen) for seen in found] == [faces] * len(found)
    off = errors(found, expected["mesh"], expected["mesh_frame"])
    assert len(off) >= 15
    assert np.median(off) <= 0.01


def test_depth_is_that_of_mediapipe(finder: FaceFinder, golden: Any, clip: Any) -> None:
    expected, found = golden("signer_plain"), follow(finder, clip("signer_plain.mkv", 10))
    landmarks = found[9][0].landmarks_px
    (mesh,) = expected["mesh"][expected["mesh_frame"] == 9]
    between_eyes = np.linalg.norm(mesh[INNER_EYE, :2] - mesh[OUTER_EYE, :2])
    assert np.abs(landmarks[:, 2] - mesh[:, 2]).mean() / between_eyes < 0.02


def test_boxes_are_where_mediapipe_draws_them(finder: FaceFinder, golden: Any, clip: Any) -> None:
    expected = golden("signer_plain")
    for number, picture in enumerate(clip("signer_plain.mkv", 5)):
        (face,) = finder.find(picture)
        x0, y0, x1, y1 = expected["box"][expected["box_frame"] == number][0, :4]
        centre = (face.box_px[0] + face.box_px[2]) / 2, (face.box_px[1] + face.box_px[3]) / 2
        assert x0 < centre[0] < x1
        assert y0 < centre[1] < y1


def test_a_picture_with_nobody_in_it_has_no_faces(finder: FaceFinder) -> None:
    picture = Picture.blank(Geometry(PixelFormat.RGB24, 320, 200), Colour())
    picture.planes[0][:] = 90
    assert finder.find(picture) == []


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 700), (900, 2), (31, 17)])
@pytest.mark.parametrize("layout", list(PixelFormat))
def test_a_picture_of_any_size_is_searched(finder: FaceFinder, layout: PixelFormat, size: tuple[int, int]) -> None:
    picture = Picture.blank(Geometry(layout, *size), Colour())
    for plane in picture.planes:
        plane[:] = 128
    assert finder.find(picture) == []


def test_a_face_larger_than_the_picture_is_found_by_the_second_detector(
    finder: FaceFinder, clip: Any, close_up: Any
) -> None:
    (picture,) = clip("signer_720p.mp4", 1)
    (face,) = finder.find(picture)
    near = close_up(picture, face, 1.6)
    assert len(finder.find(near)) == 1


def moved(picture: Picture, affine: NDArray[Any], size: tuple[int, int]) -> Picture:
    """As it would look; affine: [2, 3] from the new picture to the old."""
    pixels = sample_rgb(picture, affine, size, black_outside=True)
    return Picture.over(Geometry(PixelFormat.RGB24, *size), Colour(), pixels)


def turning(picture: Picture, degrees: float) -> tuple[NDArray[Any], tuple[int, int]]:
    """From a square in which it lies turned about its middle, and the size of that."""
    width, height = picture.geometry.width, picture.geometry.height
    side = int(np.ceil(np.hypot(width, height))) // 2 * 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, (width / 2, height / 2) - turn @ (side / 2, side / 2)]), (side, side)


@pytest.mark.parametrize("degrees", [-90, -45, 45, 90, 120, 180, 210])
def test_a_head_is_found_whichever_way_it_is_turned(finder: FaceFinder, clip: Any, degrees: float) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (upright,) = finder.find(picture)
    affine, size = turning(picture, degrees)
    (face,) = finder.find(moved(picture, affine, size))
    back = face.landmarks_px[:, :2] @ affine[:, :2].T + affine[:, 2]
    assert error(back, upright.landmarks_px) < 0.03


def test_a_head_is_followed_all_the_way_round(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (upright,) = faces = finder.find(picture)
    for degrees in range(0, 361, 6):
        affine, size = turning(picture, degrees)
        (face,) = faces = finder.find(moved(picture, affine, size), faces if degrees else None)
        back = face.landmarks_px[:, :2] @ affine[:, :2].T + affine[:, 2]
        assert error(back, upright.landmarks_px) < 0.05


@pytest.mark.parametrize("way", [(-1, 0), (1, 0), (0, -1), (0, 1)])
def test_a_face_that_leaves_the_picture_is_followed_to_the_edge_and_dropped(
    finder: FaceFinder, clip: Any, way: tuple[int, int]
) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (face,) = faces = finder.find(picture)
    start = np.array(face.box_px)
    for step in range(0, 480, 8):
        shift = np.array(way) * step
        faces = finder.find(moved(picture, np.array([[1.0, 0, -shift[0]], [0, 1, -shift[1]]]), (640, 480)), faces)
        box = start + np.tile(shift, 2)
        inside = np.clip(box[2:], 0, (640, 480)) - np.clip(box[:2], 0, (640, 480))
        part = inside.prod() / (box[2:] - box[:2]).prod()
        assert len(faces) == 1 if part > 0.6 else part > 0.2 or not faces
    assert not faces


def test_with_a_stale_hint_faces_are_found_where_they_are_now(finder: FaceFinder, clip: Any) -> None:
    first, *_, last = clip("two_heads.mp4", 12)
    known = finder.find(first)
    [found] = together([finder.search(last, known, How(stale=True))], Batches(), Hands())
    expected = finder.find(last)
    assert len(found) == len(expected) == 2
    assert all(min(error(f.landmarks_px, e.landmarks_px) for e in expected) < 0.1 for f in found)


def test_a_mesh_that_is_wrong_and_sure_of_itself_is_put_right_by_the_next_search(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (face,) = finder.find(picture)
    low, high = face.landmarks_px.min(axis=0), face.landmarks_px.max(axis=0)
    upside_down = face.landmarks_px * np.float32([-1, -1, 1]) + np.float32([1, 1, 0]) * (low + high)
    (wrong,) = finder.find(picture, [Face.of(upside_down, 1.0)])
    assert error(wrong.landmarks_px, face.landmarks_px) > 0.5
    (right,) = finder.find(picture, [wrong], detect=True, turn=1)
    assert error(right.landmarks_px, face.landmarks_px) < 0.02


def test_what_was_seen_at_a_glance_is_not_looked_for_again(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("two_heads.mp4", 1)
    seen = finder.glance(picture, 0)
    [one] = together([finder.search(picture, [], How(detect=True, seen=seen[:1]))], Batches(), Hands())
    [none] = together([finder.search(picture, None, How(seen=[]))], Batches(), Hands())
    assert (len(seen), len(one), none) == (2, 1, [])


def test_several_hands_find_what_one_finds(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("two_heads.mp4", 1)
    hands = Hands(2)
    [found] = together([finder.search(picture, None, How())], Batches(), hands)
    hands.close()
    expected = finder.find(picture)
    assert [face.box_px for face in found] == [pytest.approx(face.box_px, abs=0.05) for face in expected]


def test_a_lost_face_is_looked_for_at_once(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    elsewhere = Face.of(finder.find(picture)[0].landmarks_px + np.float32([-200, 250, 0]), 1.0)
    (face,) = finder.find(picture, [elsewhere])
    assert face.box_px == pytest.approx(finder.find(picture)[0].box_px, abs=3)


def test_an_empty_hint_is_believed_until_asked(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    assert finder.find(picture, []) == []
    assert len(finder.find(picture, [], detect=True)) == 1


def test_followed_faces_are_not_doubled(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("two_heads.mp4", 1)
    faces = finder.find(picture)
    again = finder.find(picture, [*faces, faces[0]], detect=True)
    assert len(faces) == len(again) == 2


def test_the_hint_stands_first_and_the_new_face_after_it(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("two_heads.mp4", 1)
    second = finder.find(picture)[1]
    found = finder.find(picture, [second], detect=True)
    assert len(found) == 2
    assert found[0].box_px == pytest.approx(second.box_px, abs=5)


def test_no_more_faces_than_asked_for(models_folder: Path, clip: Any) -> None:
    (picture,) = clip("two_heads.mp4", 1)
    assert len(FaceFinder.load(models_folder, max_faces=1).find(picture)) == 1


def test_models_that_were_not_prepared_are_refused(tmp_path: Path) -> None:
    assert not (tmp_path / REGISTRY_FILE).exists()
    with pytest.raises(Misconfigured, match="visavis models prepare"):
        FaceFinder.load(tmp_path)


def test_a_mesh_that_rides_half_on_another_face_is_dropped(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (face,) = finder.find(picture)
    width = face.box_px[2] - face.box_px[0]
    beside = Face.of(face.landmarks_px + np.float32([0.45 * width, 0, 0]), 1.0)
    (left,) = finder.find(picture, [beside, face])
    assert error(left.landmarks_px, face.landmarks_px) < 0.02
