"""Find and draw, frame by frame, with a finder and a sink that remember what they were given."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.batching import Batches, Hands
from services.detect.following import Following
from services.render.session import RenderSession
from shared.model.errors import Rejected
from shared.model.faces import Face
from shared.model.frames import CapturedFrame, FrameReference
from shared.model.looks import Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from visavis.oneshot.composed import Composed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.detect.batching import Search
    from services.detect.finding import How

SIZE = Geometry(PixelFormat.I420, 64, 64)


class Finder:
    """Finds one face that moves; refuses where it is told to."""

    def __init__(self) -> None:
        self.hints: list[Sequence[Face] | None] = []
        self.refuses = False

    def search(self, picture: Picture, hint: Sequence[Face] | None, how: How) -> Search[list[Face]]:
        yield from ()
        self.hints.append(hint)
        if self.refuses:
            raise Rejected("unknown-model", "None of that name.")
        points = np.random.default_rng(1).uniform(10, 50, (468, 3)).astype(np.float32)
        return [Face.of(points, 1.0)]


class Kept:
    """A sink that keeps what it is given."""

    wants_picture, wants_faces, keeps_alpha = False, False, False

    def __init__(self) -> None:
        self.written: list[tuple[int, list[int]]] = []

    def write(self, picture: Picture, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        self.written.append((frame.pts, [face.track for face in faces]))

    def abort(self) -> None: ...


class Source:
    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Picture]:
        yield Picture.blank(SIZE, Colour())

    def release(self, reference: FrameReference) -> None: ...


@pytest.fixture
def finder() -> Finder:
    return Finder()


def composed(finder: Any, sink: Kept, **more: Any) -> Composed:
    session = RenderSession(Look(), sink, (1, 25))
    return Composed(Following(finder, None, 8), session, Source(), Batches(), Hands(), **more)


def frame(number: int) -> CapturedFrame:
    return CapturedFrame(FrameReference(1, 0, number), number, number)


def test_a_face_keeps_its_identity_from_frame_to_frame(finder: Finder) -> None:
    sink = Kept()
    made = composed(finder, sink)
    for number in range(4):
        made.take(frame(number))
    assert [pts for pts, _ in sink.written] == [0, 1, 2, 3]
    assert [tracks for _, tracks in sink.written] == [[1]] * 4
    assert finder.hints[0] is None
    assert all(len(hint or ()) == 1 for hint in finder.hints[1:])


def test_what_finding_raises_is_raised_as_it_is(finder: Finder) -> None:
    finder.refuses = True
    with pytest.raises(Rejected, match="None of that name"):
        composed(finder, Kept()).find(frame(0))


def test_every_frame_says_what_it_took_in_each_stage(finder: Finder) -> None:
    made = composed(finder, Kept())
    for number in range(3):
        made.take(frame(number))
    assert [hop.name for hop in made.hops] == ["detect", "render"] * 3


def test_in_frames_that_are_known_nothing_is_looked_for_and_the_next_is_searched_by_their_faces(finder: Finder) -> None:
    face = Face.of(np.random.default_rng(2).uniform(10, 50, (468, 3)).astype(np.float32), 1.0)
    made = composed(finder, Kept(), found=(2, (face,)))
    found = [made.find(frame(number)) for number in range(3)]
    assert [one.faces for one in found[:2]] == [(face,)] * 2
    assert [list(hint or ()) for hint in finder.hints] == [[face]]
    assert [hop.name for hop in made.hops] == ["detect"]


def test_what_is_known_in_the_end_is_of_the_last_frame_that_was_drawn(finder: Finder) -> None:
    made = composed(finder, Kept())
    assert made.known.faces == ()
    made.take(frame(0))
    found = made.find(frame(1))
    assert (made.known.state.frames_done, len(made.known.faces)) == (1, 1)
    made.draw(found)
    assert (made.known.state.frames_done, made.known.faces) == (2, found.faces)
