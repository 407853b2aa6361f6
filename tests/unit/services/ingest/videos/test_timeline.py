"""services/ingest/videos/timeline.py"""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given as drawn
from hypothesis import strategies as some

from services.ingest.videos.timeline import LiveTimeline, Timeline


def test_good_times_stay_as_they_are() -> None:
    line = Timeline(40)
    given = [(-80, 40), (-40, 40), (7, 13), (400, 1)]
    assert [line.place(pts, None, duration) for pts, duration in given] == given


def test_a_missing_time_is_the_decoding_time_or_the_end_of_the_frame_before() -> None:
    line = Timeline(40)
    assert [line.place(None, 5, 0), line.place(None, None, 0), line.place(None, None, 10)] == [
        (5, 40),
        (45, 40),
        (85, 10),
    ]


def test_a_time_that_does_not_rise_is_moved_by_one_unit() -> None:
    line = Timeline(40)
    assert [line.place(pts, None, 40)[0] for pts in (100, 100, 90, 140)] == [100, 101, 102, 140]


def test_the_span_runs_from_the_first_beginning_to_the_last_end() -> None:
    line = Timeline(10)
    line.place(100, None, 10)
    line.place(130, None, 25)
    assert (line.span, line.end) == (55, 155)


def live(*times: int | None) -> list[int]:
    line = LiveTimeline(40, 1000)
    return [line.place(time)[0] for time in times]


def test_a_live_stream_keeps_its_times_and_its_gaps() -> None:
    assert live(7, 47, 90, 30_000, 30_040) == [0, 40, 83, 29_993, 30_033]


def test_a_live_stream_that_begins_anew_goes_on_where_it_was() -> None:
    assert live(90_000, 90_040, 0, 40, 80) == [0, 40, 80, 120, 160]


def test_a_live_clock_that_is_set_ahead_leaves_no_hole_of_hours() -> None:
    assert live(0, 40, 10_000_000, 10_000_040) == [0, 40, 80, 120]


def test_a_live_frame_without_a_time_follows_the_one_before() -> None:
    assert live(None, 40, None, 100) == [0, 40, 80, 100]


@drawn(some.lists(some.integers(-(2**62), 2**62) | some.none(), max_size=50))
def test_live_times_always_rise(times: list[int | None]) -> None:
    placed = live(*times)
    assert all(time < 2**40 for time in placed)
    assert all(later > earlier for earlier, later in pairwise(placed))
