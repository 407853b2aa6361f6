"""Room in pixels a second, by what a pixel has cost."""

from __future__ import annotations

import msgspec
import pytest

from services.ingest.live.room import FIRST_GUESS_SECONDS_PER_PIXEL, SHARE, Room
from shared.model.sessions import WorkerReported

HD = 1280 * 720 * 30.0


def workers(busy: float, pixels: int, jobs: int = 0) -> list[WorkerReported]:
    """pixels: of live sessions; jobs: of others."""
    render = WorkerReported(lane="l", service="render", worker="w", room=1, busy_seconds=busy / 2)
    ingest = WorkerReported(lane="l", service="ingest", worker="i", room=1, busy_seconds=busy / 2)
    ingest = msgspec.structs.replace(ingest, pixels=pixels + jobs, live_pixels=pixels)
    return [render, ingest]


def test_an_idle_lane_has_what_its_cores_can_do() -> None:
    assert Room(2).pixels_per_second == pytest.approx(2 * SHARE / FIRST_GUESS_SECONDS_PER_PIXEL)


def test_what_is_free_is_a_part_of_all_that_it_can_do() -> None:
    room = Room(2)
    assert room.free_share == pytest.approx(1)
    room.take("a", room.pixels_per_second / 4)
    assert room.free_share == pytest.approx(0.75)
    room.promise("a", 1e12)
    assert room.free_share == 0


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


def test_jobs_take_no_room_from_what_is_live_however_much_they_use() -> None:
    room = Room(2)
    before = room.pixels_per_second
    for second in range(60):
        room.measure(workers(second * 2.0, 0, jobs=second * 10_000_000))
    assert room.pixels_per_second == before


def test_what_the_pixels_of_jobs_cost_is_told_apart_from_what_live_ones_do() -> None:
    """First jobs alone, then live alone, then both: 200, 50, and each as it was."""
    room, busy, live, jobs = Room(2), 0.0, 0, 0
    for live_pixels, job_pixels in [(0, 10_000_000)] * 40 + [(10_000_000, 0)] * 40 + [(10_000_000, 10_000_000)] * 40:
        busy += live_pixels * 50e-9 + job_pixels * 200e-9
        live, jobs = live + live_pixels, jobs + job_pixels
        room.measure(workers(busy, live, jobs))
    assert room.seconds_per_pixel == pytest.approx(50e-9, rel=0.02)


def test_what_live_pixels_cost_is_learnt_beside_jobs_too() -> None:
    room, busy, live, jobs = Room(2), 0.0, 0, 0
    for turn in range(400):
        live_pixels, job_pixels = [(9_000_000, 3_000_000), (3_000_000, 9_000_000)][turn % 2]
        busy += live_pixels * 50e-9 + job_pixels * 200e-9
        live, jobs = live + live_pixels, jobs + job_pixels
        room.measure(workers(busy, live, jobs))
    assert room.seconds_per_pixel == pytest.approx(50e-9, rel=0.2)
