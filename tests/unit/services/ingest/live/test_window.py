"""How many frames may be under way, and when a lane is too slow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from services.ingest.live.window import CALM_SECONDS, LEAST, MOST, SEARCH_EVERY, START_SECONDS, Pressure, Window


def test_frames_that_take_most_of_the_budget_make_the_window_small() -> None:
    window = Window(0.5)
    for _ in range(200):
        window.took(0.4)
    assert window.size == LEAST


def test_a_window_grows_again_when_frames_are_quick() -> None:
    window = Window(0.5)
    for seconds in (0.4, 0.01):
        for _ in range(200):
            window.took(seconds)
    assert window.size == MOST


def test_one_slow_frame_changes_nothing() -> None:
    window = Window(0.5)
    for seconds in (*[0.02] * 20, 0.3, *[0.02] * 20):
        window.took(seconds)
        assert window.size == MOST


@given(some.lists(some.floats(0, 100, allow_subnormal=False), max_size=300))
def test_the_window_stays_in_its_bounds(times: list[float]) -> None:
    window = Window(0.5)
    for seconds in times:
        window.took(seconds)
        assert LEAST <= window.size <= MOST


def test_frames_that_wait_again_and_again_are_pressure_until_none_has_for_a_while() -> None:
    pressure = begun()
    assert [pressure.felt(1, at) for at in (0.0, 0.1, 0.2)] == [False, False, True]
    assert (pressure.is_high, pressure.search_every) == (True, SEARCH_EVERY)
    assert not pressure.felt(0, 0.2 + CALM_SECONDS / 2)
    assert pressure.felt(0, 0.2 + CALM_SECONDS)
    assert (pressure.is_high, pressure.search_every) == (False, 0)


def begun() -> Pressure:
    """Of a session that has had its first frame a while before 0 s."""
    pressure = Pressure()
    assert not pressure.felt(1, -START_SECONDS)
    return pressure


def test_what_a_source_has_sent_until_it_was_read_may_wait() -> None:
    pressure = Pressure()
    assert not any(pressure.felt(1, 100 + at * START_SECONDS / 60) for at in range(60))
    assert [pressure.felt(1, 100 + START_SECONDS + at) for at in (0.0, 0.1, 0.2)] == [False, False, True]


def test_frames_that_wait_now_and_then_are_none() -> None:
    pressure = begun()
    assert not any(pressure.felt(number % 2, number * 0.6) for number in range(20))
