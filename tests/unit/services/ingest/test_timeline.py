"""services/ingest/timeline.py"""

from __future__ import annotations

from services.ingest.timeline import Timeline


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
