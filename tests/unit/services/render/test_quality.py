from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import msgspec
import numpy as np
import pytest

from services.detect.finding import FaceFinder
from services.render.quality import judged, quality_of
from services.render.tracking import Tracks
from shared.model.faces import Face, Layout, Quality
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable


SHARED = Path(__file__).parents[5] / "shared"
FRAMES_PER_SECOND = 30
COVERED = range(12, 43)
"""Frames of `signer_occluded` in which one sees a hand before the face; in the first and the last it is at the chin."""
FOUND_OF_COVERED = 28
SHIRT_PX = 240
"""Below that the golden landmarks are those of a skull on a shirt."""
EYES, MOUTH = [33, 133, 362, 263], [61, 291]


@cache
def film(name: str, count: int) -> list[Picture]:
    """The first frames of a real clip."""
    path = SHARED / "media" / name
    if not path.exists():
        pytest.skip(f"The clip {path} is not on this machine.")
    with av.open(str(path)) as container:
        frames = [
            np.asarray(frame.to_ndarray(), np.uint8) for frame in itertools.islice(container.decode(video=0), count)
        ]
    height, width = frames[0].shape[0] * 2 // 3, frames[0].shape[1]
    geometry = Geometry(PixelFormat.I420, width, height)
    return [Picture.over(geometry, Colour(), frame.reshape(-1)) for frame in frames]


def golden(clip: str) -> Any:
    """What MediaPipe says of a clip."""
    path = SHARED / "golden" / f"{clip}.npz"
    if not path.exists():
        pytest.skip(f"The golden landmarks {path} are not on this machine.")
    return np.load(path)


@pytest.fixture
def still() -> tuple[Picture, Face]:
    """A sharp frame with one face that nothing covers."""
    picture = film("signer_plain.mkv", 77)[40]
    found = golden("signer_plain")
    return picture, Face.of(found["mesh"][found["mesh_frame"] == 40][0], 1.0)


def eyes_apart(face: Face) -> float:
    right, left = face.landmarks_px[EYES, :2].reshape(2, 2, 2).mean(axis=1)
    return float(np.hypot(*(left - right)))


def changed(picture: Picture, change: Callable[[Any], Any]) -> Picture:
    """The same picture with another luma plane, which is all that counts."""
    return Picture(picture.geometry, picture.colour, (np.asarray(change(picture.planes[0])), *picture.planes[1:]))


def smaller(picture: Picture, face: Face, factor: float) -> tuple[Picture, Face]:
    """Both, with the chroma left out."""
    luma = np.asarray(cv2.resize(picture.planes[0], None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    geometry = Geometry(PixelFormat.I420, luma.shape[1], luma.shape[0])
    return Picture(geometry, Colour(), (luma,)), Face.of(face.landmarks_px * np.float32(factor), 1.0)


@pytest.mark.parametrize(("name", "faces"), [("signer_plain", 77), ("two_heads", 112)])
def test_faces_that_are_seen_well_are_good(name: str, faces: int) -> None:
    pictures = film("two_heads.mp4" if name == "two_heads" else f"{name}.mkv", 77)
    found = golden(name)
    words = [
        quality_of(Face.of(mesh, 1.0), pictures[number])
        for number, mesh in zip(found["mesh_frame"].tolist(), found["mesh"], strict=True)
        if mesh[:, 1].mean() < SHIRT_PX
    ]
    assert words == [Quality.GOOD] * faces


def test_a_hand_before_the_face_is_told_in_nine_of_ten_frames_and_never_without_one(finder: FaceFinder) -> None:
    tracks, faces, told = Tracks(), None, []
    for number, picture in enumerate(film("signer_occluded.mkv", 63)):
        faces = finder.find(picture, faces, detect=number % 8 == 0)
        tracks, calmed = tracks.seen(faces, number / FRAMES_PER_SECOND)
        told += [number for face in judged(calmed, picture) if face.quality is Quality.OCCLUDED]
    assert set(told) <= set(COVERED)
    assert len(told) >= FOUND_OF_COVERED - 1


@pytest.mark.parametrize(
    ("blur", "word"), [(0.02, Quality.GOOD), (0.04, Quality.GOOD), (0.09, Quality.BLURRED), (0.2, Quality.BLURRED)]
)
def test_a_face_is_blurred_from_a_fourteenth_of_the_distance_of_its_eyes(
    still: tuple[Picture, Face], blur: float, word: Quality
) -> None:
    picture, face = still
    soft = changed(picture, lambda luma: cv2.GaussianBlur(luma, (0, 0), blur * eyes_apart(face)))
    assert quality_of(face, soft) is word


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("way", "word"), [(0.15, Quality.GOOD), (0.5, Quality.BLURRED)])
def test_a_face_that_moved_is_blurred(still: tuple[Picture, Face], axis: int, way: float, word: Quality) -> None:
    picture, face = still
    size = [1, 1]
    size[axis] = round(way * eyes_apart(face))
    assert quality_of(face, changed(picture, lambda luma: cv2.blur(luma, size))) is word


def test_noise_does_not_pass_for_detail(still: tuple[Picture, Face]) -> None:
    picture, face = still
    noise = np.random.default_rng(5).normal(0, 6, picture.planes[0].shape)

    def spoilt(luma: Any) -> Any:
        soft = cv2.GaussianBlur(luma, (0, 0), 0.12 * eyes_apart(face))
        return np.clip(soft + noise, 0, 255).astype(np.uint8)

    assert quality_of(face, changed(picture, spoilt)) is Quality.BLURRED


@pytest.mark.parametrize(("distance_px", "word"), [(16, Quality.GOOD), (13, Quality.GOOD), (10, Quality.TOO_SMALL)])
def test_a_face_is_too_small_when_its_eyes_are_less_than_twelve_pixels_apart(
    still: tuple[Picture, Face], distance_px: float, word: Quality
) -> None:
    picture, face = still
    small, face = smaller(picture, face, distance_px / eyes_apart(face))
    assert quality_of(face, small) is word


@pytest.mark.parametrize("edge", range(4))
def test_a_face_that_reaches_over_an_edge_is_out_of_frame_whatever_else_it_is(
    still: tuple[Picture, Face], edge: int
) -> None:
    picture, face = still
    x0, y0, x1, y1 = face.box_px
    move = [(-x0 - 1, 0), (0, -y0 - 1), (641 - x1, 0), (0, 481 - y1)][edge]
    moved = Face.of(face.landmarks_px + np.array((*move, 0), np.float32), 0.5)
    assert quality_of(moved, picture) is Quality.OUT_OF_FRAME


@pytest.mark.parametrize("eye", [slice(0, 2), slice(2, 4)])
def test_a_covered_eye_is_told(still: tuple[Picture, Face], eye: slice) -> None:
    picture, face = still
    x, y = np.rint(face.landmarks_px[EYES[eye], :2].mean(axis=0)).astype(int).tolist()
    skin = int(picture.planes[0][y + round(0.5 * eyes_apart(face)), x])
    covered = changed(picture, lambda luma: cv2.circle(luma.copy(), (x, y), round(0.4 * eyes_apart(face)), skin, -1))
    assert quality_of(face, covered) is Quality.OCCLUDED


def test_light_from_one_side_covers_nothing(still: tuple[Picture, Face]) -> None:
    picture, face = still
    nose = face.landmarks_px[4, 0]
    light = 0.4 + 0.6 / (1 + np.exp(-(np.arange(picture.geometry.width) - nose) / (0.3 * eyes_apart(face))))
    assert quality_of(face, changed(picture, lambda luma: (luma * light).astype(np.uint8))) is Quality.GOOD


def test_only_the_doubt_of_face_mesh_means_that_something_is_before_the_face(still: tuple[Picture, Face]) -> None:
    picture, face = still
    five = np.stack([face.landmarks_px[list(one)].mean(axis=0) for one in ((33, 133), (362, 263), (4,), (61,), (291,))])
    assert quality_of(msgspec.structs.replace(face, score=0.999), picture) is Quality.OCCLUDED
    assert quality_of(Face.of(five, 0.6), picture) is Quality.GOOD


def test_each_face_gets_its_own_word_and_nothing_else_changes(still: tuple[Picture, Face]) -> None:
    picture, face = still
    beyond = Face.of(face.landmarks_px - np.float32(300), 0.7).known_as(2)
    assert judged([face, beyond], picture) == [face, msgspec.structs.replace(beyond, quality=Quality.OUT_OF_FRAME)]


def test_68_points_and_a_still_are_judged_alike(still: tuple[Picture, Face]) -> None:
    picture, face = still
    points = np.tile(face.landmarks_px[4], (68, 1))
    points[[36, 39, 42, 45, 48, 54]] = face.landmarks_px[EYES + MOUTH]
    rgb = np.repeat(picture.planes[0][..., None], 3, axis=2)
    photo = Picture.over(Geometry(PixelFormat.RGB24, 640, 480), Colour(full_range=True), rgb.reshape(-1))
    soft = changed(picture, lambda luma: cv2.GaussianBlur(luma, (0, 0), 0.1 * eyes_apart(face)))
    assert Face.of(points, 0.6).layout is Layout.IBUG
    for one in (face, Face.of(points, 0.6)):
        words = [quality_of(one, seen) for seen in (picture, photo, soft)]
        assert words == [Quality.GOOD, Quality.GOOD, Quality.BLURRED]
