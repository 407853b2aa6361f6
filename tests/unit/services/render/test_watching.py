"""Which heads a look must hide in a frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import msgspec
import numpy as np
import pytest

from services.detect.batching import Batches, Hands, together
from services.detect.finding import FaceFinder
from services.detect.watching import unclaimed
from services.render.choosing import Choice, Present
from services.render.head import Head
from services.render.tracking import MEMORY_SECONDS, Tracks
from services.render.watching import Watch
from shared.model.errors import Malformed
from shared.model.faces import Face
from shared.model.looks import Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.model.frames import Box

SHARED = Path(__file__).parents[5] / "shared"
FRAME = 1 / 25
ALL = Look(face_cover=None, face_blur=1.0)
SIGHTING: Box = (400.0, 100.0, 460.0, 160.0)


class Session:
    """What render does with frames one after another, but for drawing."""

    def __init__(self, look: Look = ALL) -> None:
        self.look = look
        self.present = Present(0.0, Tracks(), [])
        self.choice = Choice()
        self.watch = Watch()

    def sees(self, faces: Sequence[Face] = (), boxes_px: Sequence[Box] = (), after: float = FRAME) -> list[Head]:
        seconds = self.present.seconds + after
        self.present = Present(seconds, *self.present.tracks.seen(faces, seconds))
        self.choice = self.choice.after(self.present)
        self.watch = self.watch.after(boxes_px, self.present)
        return self.watch.heads(self.present, self.choice, self.look)


def holds(heads: Sequence[Head], x: float, y: float) -> bool:
    return any(cv2.pointPolygonTest(head.ring_px, (x, y), measureDist=False) >= 0 for head in heads)


def inner_part(heads: Sequence[Head], box_px: Any) -> float:
    """How much of the ellipse in a face's box is hidden, 0..1."""
    x0, y0, x1, y1 = (float(edge) for edge in box_px[:4])
    mask = np.zeros((480, 640), np.uint8)
    for head in heads:
        cv2.fillConvexPoly(mask, np.rint(head.ring_px).astype(np.int32), 1)
    face = np.zeros_like(mask)
    axes = (round((x1 - x0) / 2), round((y1 - y0) / 2))
    cv2.ellipse(face, (round((x0 + x1) / 2), round((y0 + y1) / 2)), axes, 0, 0, 360, 1, -1)
    return float(mask[face > 0].mean())


def test_frames_that_nobody_watched_are_refused() -> None:
    with pytest.raises(Malformed, match="watchful"):
        Watch().after(None, Present(0.0, Tracks(), []))


def test_the_heads_of_all_faces_are_hidden(studio: Any) -> None:
    heads = Session().sees([studio.face(200, 200), studio.face(600, 200)])
    assert len(heads) == 2
    assert holds(heads, 200, 200)
    assert holds(heads, 600, 200)


def test_what_may_be_a_face_is_hidden_and_remembered_and_grows_until_it_is_forgotten() -> None:
    session = Session()
    (head,) = session.sees(boxes_px=[SIGHTING])
    assert holds([head], 430, 130)
    sizes = []
    for _ in range(round(MEMORY_SECONDS / FRAME)):
        (head,) = session.sees()
        sizes.append(head.size_px)
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.5 * sizes[0]
    assert session.sees(after=2 * FRAME) == []


def test_what_is_seen_again_is_hidden_once_and_not_where_it_was(studio: Any) -> None:
    session = Session()
    for step in range(20):
        heads = session.sees(boxes_px=[tuple(edge + 5 * step for edge in SIGHTING)])
    assert len(heads) == 1
    x0, y0, x1, y1 = SIGHTING
    face = studio.face((x0 + x1) / 2 + 95, (y0 + y1) / 2 + 95, 0.3)
    assert len(session.sees([face])) == 1


def test_a_face_that_is_lost_is_hidden_for_a_second_or_longer_where_it_should_be(studio: Any) -> None:
    session = Session()
    for step in range(25):
        session.sees([studio.face(200 + 4 * step, 200)])
    for step in range(round(1 / FRAME)):
        heads = session.sees()
        assert len(heads) == 1
        assert holds(heads, 300 + 4 * min(step, 8), 200)
    assert heads[0].size_px > 1.4 * session.sees([studio.face(320, 200)])[0].size_px


def test_a_lost_face_is_hidden_also_where_another_seems_to_be_before_it(studio: Any) -> None:
    session = Session()
    session.sees([studio.face(200, 200), studio.face(330, 200, 0.9)])
    assert len(session.sees([studio.face(201, 200)])) == 2


def test_of_the_largest_what_may_be_it_is_hidden_and_what_is_surely_smaller_is_not(studio: Any) -> None:
    session = Session(Look(face_blur=1.0, faces="largest"))
    assert len(session.sees(boxes_px=[SIGHTING])) == 1
    largest, other = studio.face(200, 200), studio.face(800, 200, 0.5)
    as_large = tuple(edge + 500 for edge in largest.box_px)
    heads = session.sees([largest, other], [as_large, (1400, 100, 1430, 130)])
    assert len(heads) == 2
    assert not holds(heads, 800, 200)
    assert not holds(heads, 1415, 115)


def test_by_track_what_has_none_is_hidden_and_the_faces_of_others_are_not(studio: Any) -> None:
    session = Session(Look(face_blur=1.0, faces=(2,)))
    heads = session.sees([studio.face(200, 200), studio.face(600, 200)], [(1000, 100, 1060, 160)])
    assert len(heads) == 2
    assert holds(heads, 600, 200)
    assert holds(heads, 1030, 130)


def test_it_is_a_value_that_can_be_kept() -> None:
    session = Session()
    session.sees(boxes_px=[SIGHTING])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(session.watch), type=Watch) == session.watch


def seen_by(finder: FaceFinder, name: str) -> Iterator[tuple[list[Face], tuple[Box, ...]]]:
    """The faces of each frame of a clip, and what may be some."""
    with av.open(str(SHARED / "media" / name)) as file:
        films = [(frame.width, frame.height, frame.to_ndarray()) for frame in file.decode(video=0)]
    faces: list[Face] | None = None
    for number, (width, height, film) in enumerate(films):
        picture = Picture.over(Geometry(PixelFormat.I420, width, height), Colour(), film.reshape(-1))
        faces = finder.find(picture, faces, detect=number % 8 == 0, turn=number // 8)
        [seen] = together([finder.watch(picture)], Batches(), Hands())
        yield faces, unclaimed(seen, faces)


@pytest.mark.parametrize("lost", [False, True], ids=["as it is", "all lost for a second"])
@pytest.mark.parametrize("name", ["signer_plain.mkv", "signer_occluded.mkv", "two_heads.mp4"])
def test_every_face_that_mediapipe_detects_is_hidden_in_every_frame(finder: FaceFinder, name: str, lost: bool) -> None:
    """Also behind a hand, where its mesh is lost."""
    golden = SHARED / "golden" / f"{Path(name).stem}.npz"
    if not golden.exists():
        pytest.skip(f"The golden boxes {golden} are not on this machine.")
    boxes, session = np.load(golden), Session()
    for number, (faces, sightings) in enumerate(seen_by(finder, name)):
        away = lost and 20 <= number < 45
        heads = session.sees(() if away else faces, () if away else sightings)
        for box_px in boxes["box"][boxes["box_frame"] == number]:
            assert inner_part(heads, box_px) > 0.95


def test_who_is_half_in_the_picture_is_hidden_from_the_first_frame_to_the_last(finder: FaceFinder) -> None:
    if not (SHARED / "media" / "signer_occluded.mkv").exists():
        pytest.skip("The clip is not on this machine.")
    session = Session()
    for faces, sightings in seen_by(finder, "signer_occluded.mkv"):
        heads = session.sees(faces, sightings)
        assert all(holds(heads, x, y) for x, y in ((630, 120), (600, 180), (638, 180), (630, 240)))
