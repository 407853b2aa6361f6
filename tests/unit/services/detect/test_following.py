"""Frames of a session in order, with a finder that remembers what it was asked."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.detect.batching import Batches, Hands, together
from services.detect.contracts import Detection
from services.detect.following import Following
from services.detect.hints import NOTHING, Hint
from shared.model.faces import Face
from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference, LiveMark
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.detect.batching import Search
    from services.detect.finding import How

SIZE = Geometry(PixelFormat.I420, 32, 16)
FACE = Face.of(np.zeros((468, 3), np.float32), 1.0)


class Finder:
    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[Face] | None, How]] = []

    def glance(self, picture: Picture, turn: int) -> list[Detection]:
        return []

    def watch(self, picture: Picture) -> Search[list[Detection]]:
        yield from ()
        return [Detection((20, 2, 28, 10), np.full((6, 2), 99, np.float32), 0.5)]

    def search(self, picture: Picture, hint: Sequence[Face] | None, how: How) -> Search[list[Face]]:
        yield from ()
        self.asked.append((hint, how))
        return [FACE]


@contextmanager
def read(_: FrameReference) -> Iterator[Picture]:
    yield Picture.blank(SIZE, Colour())


def frames(first: int, last: int, live: LiveMark | None = None) -> tuple[CapturedFrame, ...]:
    return tuple(CapturedFrame(FrameReference(1, 0, n), n, n * 40, live=live) for n in range(first, last))


def followed(following: Following, of: Sequence[CapturedFrame], hint: Hint = NOTHING) -> Sequence[DetectedFrame]:
    [found] = together([following.follow(of, hint, read)], Batches(), Hands())
    assert not isinstance(found, Exception), found
    return found


def test_new_faces_are_looked_for_every_few_frames_and_each_time_at_another_turn() -> None:
    finder = Finder()
    followed(Following(finder, None, every=4), frames(0, 9))
    assert [how.detect for _, how in finder.asked] == [number % 4 == 0 for number in range(9)]
    assert [how.turn for _, how in finder.asked if how.detect] == [0, 1, 2]


def test_each_frame_is_searched_with_the_faces_of_the_one_before() -> None:
    finder = Finder()
    followed(Following(finder, None, every=4), frames(0, 3))
    assert [hint for hint, _ in finder.asked] == [None, [FACE], [FACE]]


def test_a_session_may_ask_for_another_rhythm() -> None:
    finder = Finder()
    followed(Following(finder, None, every=8, search_every=2), frames(0, 4))
    assert [how.detect for _, how in finder.asked] == [True, False, True, False]


def test_what_was_seen_some_frames_ago_is_stale() -> None:
    finder = Finder()
    followed(Following(finder, None, every=8), frames(5, 7), Hint(2, [FACE]))
    assert [how.stale for _, how in finder.asked] == [True, False]


@pytest.mark.parametrize("watchful", [True, False])
def test_sightings_are_told_where_somebody_is_watchful(watchful: bool) -> None:
    [found] = followed(Following(Finder(), None, every=8, watchful=watchful), frames(0, 1))
    assert found.sightings == (((20, 2, 28, 10),) if watchful else None)


def test_a_live_frame_that_is_late_is_not_looked_at() -> None:
    finder, passed = Finder(), LiveMark(0, 0, time.time_ns() - 1)
    [found] = followed(Following(finder, None, every=8), frames(0, 1, passed))
    assert found.is_late
    assert not finder.asked
