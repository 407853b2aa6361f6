"""What is remembered of sessions."""

from __future__ import annotations

import numpy as np
import pytest

from services.detect import hints
from services.detect.hints import Hints
from shared.model.faces import Face
from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference

FACE = Face.of(np.zeros((468, 3), np.float32), 1.0)


def frame(sequence: int) -> CapturedFrame:
    return CapturedFrame(FrameReference(1, 0, 1), sequence, 0)


@pytest.fixture
def known() -> Hints:
    """Of the session `s` the frame 8 is known."""
    made = Hints()
    made.remember("s", DetectedFrame(frame(8), (FACE,)))
    return made


def test_the_next_frame_gets_the_faces_of_the_last(known: Hints) -> None:
    hint = known.of("s", frame(9))
    assert (hint.faces, hint.is_stale(frame(9))) == ((FACE,), False)


def test_after_a_gap_they_are_stale(known: Hints) -> None:
    hint = known.of("s", frame(10))
    assert (hint.faces, hint.is_stale(frame(10))) == ((FACE,), True)


@pytest.mark.parametrize("sequence", [0, 7, 8, 8 + hints.STALE_FRAMES + 1])
def test_a_frame_that_does_not_follow_soon_gets_nothing(known: Hints, sequence: int) -> None:
    hint = known.of("s", frame(sequence))
    assert hint.faces is None
    assert not hint.is_stale(frame(sequence))


def test_nothing_is_known_of_another_session(known: Hints) -> None:
    assert known.of("other", frame(9)).faces is None


def test_what_is_earlier_does_not_replace_what_is_later(known: Hints) -> None:
    known.remember("s", DetectedFrame(frame(4), ()))
    assert known.of("s", frame(9)).faces == (FACE,)


def test_the_session_that_was_not_heard_of_for_longest_is_forgotten(
    known: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "SESSIONS", 2)
    for name in ("other", "s", "third"):
        known.remember(name, DetectedFrame(frame(8), ()))
    assert known.of("other", frame(9)).faces is None
    assert known.of("s", frame(9)).faces == ()
