"""Frames in order, whatever order they come in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.render.session import RenderSession
from shared.model.errors import FrameLost
from shared.model.faces import Face
from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference
from shared.model.looks import Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIZE = Geometry(PixelFormat.I420, 400, 400)


class Film:
    """Frames by slot number, of which each may be read until it is released."""

    def __init__(self) -> None:
        self.picture = Picture.over(SIZE, Colour(), np.full(SIZE.size_bytes, 120, np.uint8))
        self.released: list[int] = []

    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Picture]:
        if reference.slot in self.released:
            raise FrameLost("released")
        yield self.picture

    def release(self, reference: FrameReference) -> None:
        self.released.append(reference.slot)


class Screen:
    """A sink that remembers."""

    def __init__(self, *, wants_picture: bool = True) -> None:
        self.wants_picture = wants_picture
        self.sequences: list[int] = []
        self.faces: list[Sequence[Face]] = []
        self.pictures: list[Picture] = []

    def write(self, picture: Picture, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        self.sequences.append(frame.sequence)
        self.faces.append(faces)
        self.pictures.append(picture)

    def abort(self) -> None:
        raise AssertionError("nobody aborts here")


def a_face() -> Face:
    mesh = np.random.default_rng(3).uniform(100, 300, (468, 3)).astype(np.float32)
    return Face.of(mesh, 0.9)


def frames(*sequences: int, faces: tuple[Face, ...] = ()) -> list[DetectedFrame]:
    return [DetectedFrame(CapturedFrame(FrameReference(1, n, 1), n, n * 40), faces) for n in sequences]


def test_frames_that_come_early_wait_for_those_before_them() -> None:
    screen, film = Screen(), Film()
    session = RenderSession(Look(), screen)
    session.feed(frames(2, 3), film)
    assert screen.sequences == []
    session.feed(frames(0, 1), film)
    assert screen.sequences == [0, 1, 2, 3]


def test_a_redelivered_frame_is_drawn_once() -> None:
    screen, film = Screen(), Film()
    session = RenderSession(Look(), screen)
    for _ in range(2):
        session.feed(frames(0, 1), film)
    assert screen.sequences == [0, 1]
    assert session.frames_done == 2


def test_each_frame_is_released_when_it_is_drawn_and_not_before() -> None:
    film = Film()
    session = RenderSession(Look(), Screen())
    session.feed(frames(1), film)
    assert film.released == []
    session.feed(frames(0), film)
    assert film.released == [0, 1]


def test_a_lost_frame_is_an_error() -> None:
    film = Film()
    film.released.append(0)
    with pytest.raises(FrameLost):
        RenderSession(Look(), Screen()).feed(frames(0), film)


def test_it_is_finished_when_as_many_are_drawn_as_were_announced_and_not_before() -> None:
    film = Film()
    session = RenderSession(Look(), Screen())
    session.feed(frames(0), film)
    assert not session.finished
    session.frames_total = 2
    assert not session.finished
    session.feed(frames(1), film)
    assert session.finished


def test_a_face_keeps_its_number_from_frame_to_frame() -> None:
    screen, face = Screen(), a_face()
    session = RenderSession(Look(), screen)
    session.feed(frames(0, 1, faces=(face,)), Film())
    assert [[face.track for face in faces] for faces in screen.faces] == [[1], [1]]
    assert session.faces_done == 2


def test_without_a_visible_effect_the_decoded_picture_itself_is_handed_on() -> None:
    screen, film = Screen(), Film()
    RenderSession(Look(), screen).feed(frames(0, faces=(a_face(),)), film)
    assert screen.pictures == [film.picture]


def test_effects_are_drawn_on_a_copy() -> None:
    screen, film = Screen(), Film()
    before = [plane.copy() for plane in film.picture.planes]
    RenderSession(Look(smooth=1, whiten=1, slim_face=1), screen).feed(frames(0, faces=(a_face(),)), film)
    assert screen.pictures[0] is not film.picture
    assert all(np.array_equal(*pair) for pair in zip(before, film.picture.planes, strict=True))


def test_nothing_is_drawn_for_a_sink_that_wants_only_faces() -> None:
    screen, film = Screen(wants_picture=False), Film()
    RenderSession(Look(smooth=1), screen).feed(frames(0, faces=(a_face(),)), film)
    assert screen.pictures == [film.picture]
