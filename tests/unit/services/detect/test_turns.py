"""Whose turn it is."""

from __future__ import annotations

import pytest

from services.detect.turns import PASSED_OVER, Turns
from shared.model.frames import CapturedFrame, FrameReference, FramesCaptured, LiveMark


def message(session: str, sequence: int) -> FramesCaptured:
    frame = CapturedFrame(FrameReference(1, 0, 1), sequence, 0)
    return FramesCaptured("local", session, "w", (frame,))


@pytest.fixture
def turns() -> Turns:
    return Turns()


def taken(turns: Turns, idle: int = 1) -> list[tuple[str, int]]:
    return [(one.session, one.frames[0].sequence) for one in turns.take(idle)]


def test_one_of_each_session_is_given_out_together(turns: Turns) -> None:
    for one in (message("a", 0), message("a", 4), message("b", 7)):
        turns.add(one)
    assert taken(turns) == [("a", 0), ("b", 7)]


def test_threads_share_the_sessions(turns: Turns) -> None:
    for name in "abc":
        turns.add(message(name, 0))
    assert [taken(turns, idle=2), taken(turns, idle=1)] == [[("a", 0), ("b", 0)], [("c", 0)]]


def test_a_message_waits_for_the_one_before_it(turns: Turns) -> None:
    first = message("a", 1)
    turns.add(first)
    turns.add(message("a", 2))
    assert taken(turns) == [("a", 1)]
    assert taken(turns) == []
    turns.end(first)
    assert taken(turns) == [("a", 2)]


def test_what_was_not_taken_waits_the_oldest_first(turns: Turns) -> None:
    for one in (message("a", 0), message("a", 4), message("b", 1), message("a", 8)):
        turns.add(one)
    taken(turns)
    assert [one.frames[0].sequence for one in turns.waiting] == [4, 8]


def live(session: str, sequence: int) -> FramesCaptured:
    frame = CapturedFrame(FrameReference(1, 0, 1), sequence, 0, live=LiveMark(sequence, 0, 0))
    return FramesCaptured("local", session, "w", (frame,))


def test_what_is_live_goes_first_and_waits_for_nothing_that_is_not(turns: Turns) -> None:
    for one in (message("job", 0), message("other", 0), live("a", 1), live("b", 2)):
        turns.add(one)
    assert [taken(turns), taken(turns)] == [[("a", 1), ("b", 2)], [("job", 0), ("other", 0)]]


def test_another_thread_takes_what_is_not_live_meanwhile(turns: Turns) -> None:
    for one in (message("job", 0), live("a", 1)):
        turns.add(one)
    assert [taken(turns, idle=2), taken(turns, idle=1)] == [[("a", 1)], [("job", 0)]]


def test_what_is_not_live_has_its_turn_however_much_is(turns: Turns) -> None:
    turns.add(message("job", 0))
    order = []
    for number in range(2 * (PASSED_OVER + 1)):
        one = live("a", number)
        turns.add(one)
        order += (given := turns.take(1))
        for begun in given:
            turns.end(begun)
    assert [one.session for one in order].index("job") == PASSED_OVER
    turns.add(message("job", 1))
    assert taken(turns) == [("a", 2 * PASSED_OVER + 1)]


def test_live_alone_passes_nobody_over(turns: Turns) -> None:
    for number in range(PASSED_OVER + 1):
        one = live("a", number)
        turns.add(one)
        assert turns.take(1) == [one]
        turns.end(one)
    turns.add(message("job", 0))
    turns.add(live("a", 99))
    assert taken(turns) == [("a", 99)]
