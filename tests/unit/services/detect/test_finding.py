"""Finding and following faces in real clips, against what MediaPipe itself says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.finding import FaceFinder
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


def close_up(picture: Picture, face: Face, part: float) -> Picture:
    """So near that the face is `part` times as high as the picture."""
    x0, y0, x1, y1 = face.box_px
    scale = (y1 - y0) / part / 720
    affine = np.array([[scale, 0, (x0 + x1) / 2 - scale * 640], [0, scale, (y0 + y1) / 2 - scale * 360]])
    pixels = sample_rgb(picture, affine, (1280, 720), black_outside=False)
    return Picture.over(Geometry(PixelFormat.RGB24, 1280, 720), Colour(), pixels)


def test_a_face_larger_than_the_picture_is_found_by_the_second_detector(finder: FaceFinder, clip: Any) -> None:
    (picture,) = clip("signer_720p.mp4", 1)
    (face,) = finder.find(picture)
    near = close_up(picture, face, 1.6)
    assert finder._detector._full_range.detect(near) == []
    assert len(finder.find(near)) == 1


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
