from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from services.render.cuda.waves import jobs_of
from services.render.eyes import EYES
from services.render.shape import FaceShape
from services.render.toning import FACE, MOUTH, of_eye
from shared.model.faces import Face
from shared.model.pictures import Geometry, PixelFormat

EYE, _ = EXTENTS = tuple(of_eye(eye) for eye in EYES)
EVERYTHING = (FACE, *EXTENTS, MOUTH)
PICTURE: Any = SimpleNamespace(geometry=Geometry(PixelFormat.NV12, 1000, 600))


def shape(studio: Any, x: float, y: float = 300) -> FaceShape:
    found = FaceShape.of(studio.face(x, y))
    assert found is not None
    return found


def told(jobs: Any) -> list[tuple[int, int, int]]:
    """Wave, face and extent of each."""
    return [(job.wave, job.face, job.number) for job in jobs]


def test_features_are_drawn_after_their_face_and_together_where_they_lie_apart(studio: Any) -> None:
    jobs = jobs_of([(PICTURE, [shape(studio, 500)])], (FACE, EYE, MOUTH))
    assert told(jobs) == [(0, 0, 0), (1, 0, 1), (1, 0, 2)]
    assert [job.is_first for job in jobs] == [True, False, False]


def test_features_alone_are_all_drawn_first(studio: Any) -> None:
    jobs = jobs_of([(PICTURE, [shape(studio, 500)])], (EYE, MOUTH))
    assert [(job.wave, job.is_first) for job in jobs] == [(0, True)] * 2


def test_what_overlaps_is_drawn_one_after_the_other(studio: Any) -> None:
    jobs = jobs_of([(PICTURE, [shape(studio, 500)])], (FACE, EYE, EYE, MOUTH))
    assert told(jobs) == [(0, 0, 0), (1, 0, 1), (1, 0, 3), (2, 0, 2)]


def test_faces_that_lie_apart_are_drawn_together_and_others_after_each_other(studio: Any) -> None:
    apart, over = [shape(studio, 200), shape(studio, 800)], [shape(studio, 200), shape(studio, 800), shape(studio, 300)]
    assert told(jobs_of([(PICTURE, apart)], (FACE, MOUTH))) == [(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)]
    assert told(jobs_of([(PICTURE, over)], (FACE, MOUTH)))[4:] == [(2, 2, 0), (3, 2, 1)]


def test_a_face_is_looked_at_when_what_lies_over_its_skin_is_drawn(studio: Any) -> None:
    """The mouth of one lies on the cheek of the other, far from its own mouth."""
    one, other = shape(studio, 500, 250), shape(studio, 410, 340)
    jobs = jobs_of([(PICTURE, [one, other])], (MOUTH,))
    apart = jobs[0].region.x0 >= jobs[1].region.x1 or jobs[0].region.y1 <= jobs[1].region.y0
    assert apart, "this face is to show more than what overlapping mouths do"
    assert told(jobs) == [(0, 0, 0), (1, 1, 0)]
    assert all(job.is_first for job in jobs)


def test_pictures_know_nothing_of_each_other(studio: Any) -> None:
    frames = [(PICTURE, [shape(studio, 500)])] * 3
    assert {(job.wave, job.picture, job.face) for job in jobs_of(frames, (FACE,))} == {(0, at, at) for at in range(3)}


def test_what_lies_off_the_picture_is_left_out_and_counts_as_no_face(studio: Any) -> None:
    away = Face.of((studio.face(500, 300).landmarks_px + np.float32((-3000, 0, 0))).astype(np.float32), 1.0)
    off = FaceShape.of(away)
    assert off is not None
    assert told(jobs_of([(PICTURE, [off, shape(studio, 500)])], (FACE,))) == [(0, 0, 0)]
