"""Room in pixels a second, by what a pixel has cost."""

from __future__ import annotations

import pytest

from services.ingest.live.room import FIRST_GUESS_SECONDS_PER_PIXEL, SHARE, Room
from shared.model.sessions import WorkerReported

HD = 1280 * 720 * 30.0


def workers(busy: float, pixels: int) -> list[WorkerReported]:
    render = WorkerReported(lane="l", service="render", worker="w", room=1, busy_seconds=busy / 2)
    ingest = WorkerReported(lane="l", service="ingest", worker="i", room=1, busy_seconds=busy / 2, pixels=pixels)
    return [render, ingest]


def test_an_idle_lane_has_what_its_cores_can_do() -> None:
    assert Room(2).pixels_per_second == pytest.approx(2 * SHARE / FIRST_GUESS_SECONDS_PER_PIXEL)


def test_sessions_are_taken_until_their_pixels_fill_the_lane() -> None:
    room = Room(2)
    taken = [room.take(str(number), HD) for number in range(5)]
    assert taken == [True, True, True, False, False]
    room.give_back("0")
    assert room.take("5", HD)


def test_a_lane_without_sessions_takes_any_one() -> None:
    room = Room(0.1)
    assert room.take("a", 100 * HD)
    assert not room.take("b", 1)


def test_a_session_that_has_ended_but_is_not_gone_counts_for_nothing() -> None:
    room = Room(0.1)
    room.take("a", 100 * HD)
    room.promise("a", 0.0)
    assert room.take("b", 100 * HD)


def test_what_pixels_cost_is_measured() -> None:
    room = Room(2)
    for second in range(60):
        room.measure(workers(second * 1.0, second * 10_000_000))
    assert room.seconds_per_pixel == pytest.approx(1e-7, rel=0.01)
    assert room.pixels_per_second == pytest.approx(2 * SHARE / 1e-7, rel=0.01)


def test_an_idle_hour_is_no_cost_of_the_next_pixel() -> None:
    room = Room(2)
    for second in range(3600):
        room.measure(workers(second * 0.1, 0))
    room.measure(workers(360.0 + 0.2, 10_000_000))
    assert room.seconds_per_pixel == pytest.approx(FIRST_GUESS_SECONDS_PER_PIXEL, rel=0.2)


def test_a_worker_that_began_anew_does_not_count_backwards() -> None:
    room = Room(2)
    room.measure(workers(100.0, 1_000_000_000))
    room.measure(workers(1.0, 10_000_000))
    assert room.seconds_per_pixel == FIRST_GUESS_SECONDS_PER_PIXEL
