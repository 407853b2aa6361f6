from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import msgspec
import numpy as np
import pytest

from services.detect.finding import FaceFinder
from services.render.tracking import HOLD_SECONDS, MEMORY_SECONDS, Tracks
from shared.model.faces import Face
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

MEDIA = Path(__file__).parents[5] / "shared" / "media"
FRAME = 1 / 30


def face(x: float, y: float = 0, side: float = 100, seed: int = 0, score: float = 0.9) -> Face:
    """Points within a square; `seed` is the person."""
    points = np.random.default_rng(seed).uniform(0, 1, (68, 3)) * side + (x, y, 0)
    return Face.of(points.astype(np.float32), score)


@dataclass
class Camera:
    """Frames one after another."""

    tracks: Tracks = field(default_factory=Tracks)
    seconds: float = 0.0

    def sees(self, *faces: Face, after: float = FRAME) -> list[int]:
        self.seconds += after
        self.tracks, named = self.tracks.seen(faces, self.seconds)
        return [one.track for one in named]

    def waits(self, seconds: float) -> None:
        """Frames without a face."""
        for _ in range(round(seconds / FRAME)):
            assert self.sees() == []


def test_faces_are_numbered_from_one_in_the_order_given() -> None:
    assert Camera().sees(face(0), face(400)) == [1, 2]


def test_a_face_keeps_its_number_while_it_moves() -> None:
    camera = Camera()
    assert {camera.sees(face(25 * step))[0] for step in range(30)} == {1}


def test_faces_keep_their_numbers_when_they_are_given_in_another_order() -> None:
    camera = Camera()
    camera.sees(face(0), face(300))
    assert camera.sees(face(305), face(5)) == [2, 1]


def test_two_faces_never_share_a_number() -> None:
    camera = Camera()
    camera.sees(face(0))
    assert sorted(camera.sees(face(5), face(10), face(15))) == [1, 2, 3]


@pytest.mark.parametrize("rate", [8, 30, 60])
def test_an_absence_of_half_a_second_is_survived_at_any_rate(rate: int) -> None:
    camera = Camera()
    camera.sees(face(0))
    for _ in range(rate // 2):
        camera.sees(after=1 / rate)
    assert camera.sees(face(10), after=1 / rate) == [1]


def test_a_face_is_forgotten_after_a_long_absence_and_its_number_is_not_given_again() -> None:
    camera = Camera()
    camera.sees(face(0))
    camera.waits(MEMORY_SECONDS)
    assert camera.sees(face(10), after=2 * FRAME) == [2]
    assert [track.number for track in camera.tracks.known] == [2]


def test_a_face_elsewhere_is_another_one() -> None:
    camera = Camera()
    camera.sees(face(0))
    assert camera.sees(face(300)) == [2]


def test_a_face_of_another_size_is_another_one() -> None:
    camera = Camera()
    camera.sees(face(0))
    assert camera.sees(face(-50, -50, side=200)) == [2]


def test_a_face_that_was_walking_is_expected_further_on() -> None:
    """Behind a pillar for half a second, while somebody else comes and stands where it was last seen."""
    camera = Camera()
    for step in range(15):
        camera.sees(face(12 * step))
    camera.waits(0.5)
    assert camera.sees(face(12 * 30), face(12 * 14, seed=3)) == [1, 2]


def test_faces_that_cross_keep_their_numbers_while_one_hides_the_other() -> None:
    camera, seen = Camera(), []
    for step in range(50):
        right, left = face(10 * step, seed=1), face(490 - 10 * step, seed=2)
        hidden = abs(245 - 10 * step) < 60
        seen.append(camera.sees(right) if hidden else camera.sees(right, left))
    assert {tuple(one) for one in seen} == {(1, 2), (1,)}


def test_where_two_come_into_question_the_shape_decides() -> None:
    camera = Camera()
    camera.sees(face(0, seed=1), face(20, seed=2))
    assert camera.sees(face(8, seed=2), face(12, seed=1)) == [2, 1]


def test_everything_but_landmarks_box_and_number_stays_as_it_was_found() -> None:
    camera = Camera()
    camera.sees(face(0))
    found = msgspec.structs.replace(face(0.3, score=0.4), box_px=(-10, -20, 110, 120))
    _, (known,) = camera.tracks.seen([found], camera.seconds + FRAME)
    assert msgspec.structs.replace(known, box_px=found.box_px, points=found.points, track=0) == found
    moved = (known.landmarks_px - found.landmarks_px)[:, 0]
    assert known.box_px == pytest.approx((-10 + moved.mean(), -20, 110 + moved.mean(), 120), abs=1e-3)
    assert -0.3 < moved.mean() < -0.1


@pytest.mark.parametrize("points", [np.full((68, 3), np.nan), np.ones((68, 3))])
def test_what_has_no_place_is_no_face(points: np.ndarray) -> None:
    nowhere = Face(box_px=(0, 0, 1, 1), score=0.9, points=points.astype("<f4").tobytes())
    assert Camera().sees(nowhere, face(0)) == [1]


def test_a_face_that_is_lost_for_a_moment_is_held_where_it_should_be() -> None:
    camera = Camera()
    for step in range(30):
        camera.sees(face(3 * step))
    (held,) = camera.tracks.held([], camera.seconds + 2 * FRAME)
    assert held.track == 1
    np.testing.assert_allclose(held.landmarks_px, face(3 * 31).landmarks_px, atol=1.0)
    assert camera.tracks.held([], camera.seconds + HOLD_SECONDS + FRAME) == []


def test_a_face_that_is_there_is_not_held_and_one_that_is_covered_neither() -> None:
    camera = Camera()
    camera.sees(face(0), face(60, seed=1))
    tracks, seen = camera.tracks.seen([face(10)], camera.seconds + FRAME)
    assert [one.track for one in tracks.held(seen, camera.seconds + FRAME)] == [2]
    tracks, seen = camera.tracks.seen([face(50)], camera.seconds + FRAME)
    assert len(seen) == 1
    assert tracks.held(seen, camera.seconds + FRAME) == []


def test_tracks_that_were_kept_go_on_as_if_nothing_had_been() -> None:
    camera = Camera()
    for step in range(5):
        camera.sees(face(5 * step), face(400 - step, seed=1))
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(camera.tracks), type=Tracks)
    assert kept == camera.tracks
    later = [face(30), face(390, seed=1)]
    assert kept.seen(later, camera.seconds + FRAME) == camera.tracks.seen(later, camera.seconds + FRAME)


class HeadsCrossing:
    """The heads of a real clip, cut out, moved across each other before a blurred wall at 30 frames a second."""

    size = (270, 480)

    def __init__(self, finder: FaceFinder) -> None:
        path = MEDIA / "two_heads.mp4"
        if not path.exists():
            pytest.skip(f"The clip {path} is not on this machine.")
        with av.open(str(path)) as file:
            self._film = [frame.to_ndarray().reshape(-1) for frame in file.decode(video=0)]
        first = self._cut(self._film[0])
        self._wall = [cv2.resize(cv2.blur(cv2.resize(p, (32, 18)), (9, 9)), p.shape[::-1]) for p in first]
        hint: list[Face] | None = None
        self._boxes = []
        for film in self._film:
            hint = finder.find(self._picture(film), hint, detect=hint is None)
            self._boxes.append([one.box_px for one in sorted(hint, key=lambda one: one.box_px[0])])

    def frame(self, number: int, centres: Sequence[float], front: int) -> Picture:
        """Both heads at these x; `front` hides the other."""
        planes, source = [plane.copy() for plane in self._wall], number // 3 % len(self._film)
        for which in (1 - front, front):
            x0, y0, x1, y1 = self._boxes[source][which]
            for plane, head in zip(planes, self._cut(self._film[source]), strict=True):
                part = plane.shape[1] / self.size[1]
                centre = np.array((centres[which], 130)) * part
                move = np.array([[1, 0, 0], [0, 1, 0]], np.float64)
                move[:, 2] = centre - np.array((x0 + x1, y0 + y1)) / 2 * part
                moved = cv2.warpAffine(head, move, plane.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
                mask = self._oval(plane.shape, centre, (0.66 * (x1 - x0) * part, 0.72 * (y1 - y0) * part))
                plane[:] = np.rint(plane * (1 - mask) + moved * mask).astype(np.uint8)
        return self._picture(np.concatenate([plane.reshape(-1) for plane in planes]))

    def _cut(self, film: np.ndarray) -> list[np.ndarray]:
        return list(self._picture(film).planes)

    def _picture(self, film: np.ndarray) -> Picture:
        return Picture.over(Geometry(PixelFormat.I420, self.size[1], self.size[0]), Colour(), film)

    @staticmethod
    def _oval(shape: tuple[int, ...], centre: np.ndarray, radii: tuple[float, float]) -> np.ndarray:
        y, x = np.mgrid[: shape[0], : shape[1]]
        return np.clip((1.15 - np.hypot((x - centre[0]) / radii[0], (y - centre[1]) / radii[1])) / 0.15, 0, 1)


@pytest.fixture(scope="module")
def heads(finder: FaceFinder) -> HeadsCrossing:
    return HeadsCrossing(finder)


@pytest.mark.parametrize("lost_from", [2, 15, 30, 45])
def test_a_real_face_behind_a_hand_keeps_its_number_when_it_is_not_found_for_half_a_second(lost_from: int) -> None:
    golden = MEDIA.parent / "golden" / "signer_occluded.npz"
    if not golden.exists():
        pytest.skip(f"The golden landmarks {golden} are not on this machine.")
    meshes = np.load(golden)
    tracks, numbers = Tracks(), set()
    for frame in range(63):
        found = [] if lost_from <= frame < lost_from + 15 else meshes["mesh"][meshes["mesh_frame"] == frame]
        tracks, named = tracks.seen([Face.of(mesh, 1.0) for mesh in found], frame * FRAME)
        numbers.update(one.track for one in named)
    assert numbers == {1}


@pytest.mark.parametrize(("front", "speed_px"), [(0, 5), (0, 8), (1, 5), (1, 7), (1, 8), (1, 10)])
def test_real_heads_that_cross_keep_their_numbers(
    finder: FaceFinder, heads: HeadsCrossing, front: int, speed_px: int
) -> None:
    """One is hidden for a sixth of a second or more."""
    tracks, found = Tracks(), None
    numbers: list[set[int]] = [set(), set()]
    counts = []
    for frame in range(340 // speed_px):
        at = (70 + speed_px * frame, 410 - speed_px * frame)
        found = finder.find(heads.frame(frame, at, front), found, detect=frame % 8 == 0)
        tracks, named = tracks.seen(found, frame * FRAME)
        counts.append(len(named))
        for of_head, x in zip(numbers, at, strict=True):
            close = {one.track for one in named if abs((one.box_px[0] + one.box_px[2]) / 2 - x) < 25}
            of_head.update(close if abs(at[0] - at[1]) > 110 else ())
    assert counts[0] == counts[-1] == 2
    assert counts.count(1) >= 5
    assert sorted(map(sorted, numbers)) == [[1], [2]]
