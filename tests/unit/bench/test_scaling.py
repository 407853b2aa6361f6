"""A day of jobs on lanes: what is paid for, and how long jobs take."""

from __future__ import annotations

import pytest

from tests.bench.autoscaling import Rule
from tests.bench.scaling import Work, simulate

WORK = Work(segments=3, segment_seconds=8, at_a_time=2, start_seconds=10)
RULE = Rule(
    threshold=2, least=0, most=4, polling_seconds=5, cooldown_seconds=60, up=(("Pods", 4, 15),),
    down=(("Percent", 100, 15),), down_window_seconds=0,
)  # fmt: skip


def test_a_lane_does_two_segments_at_a_time() -> None:
    done = simulate([1.0], WORK, 1)
    assert done.delays == [(1.0, 16.0)]
    assert simulate([1.0], WORK, 2).delays == [(1.0, 8.0)]


def test_lanes_that_are_always_there_are_paid_for_all_day() -> None:
    assert simulate([], WORK, 3, seconds=7200).lane_hours == 6


def test_a_lane_that_is_called_works_when_it_has_started_and_goes_when_it_is_idle() -> None:
    done = simulate([1.0], WORK, 0, RULE, seconds=120)
    [(came, took)] = done.delays
    assert (came, took) == (1.0, 5 - 1 + 10 + 2 * 8), "seen after four seconds, started after ten more"
    assert (done.lanes[4], done.lanes[5], max(done.lanes), done.lanes[-1]) == (0, 1, 2, 0)


def test_a_lane_that_is_told_to_end_ends_what_it_has() -> None:
    slow = Work(segments=8, segment_seconds=40, at_a_time=2, start_seconds=1)
    done = simulate([0.0], slow, 0, RULE, seconds=300)
    assert len(done.delays) == 1
    assert max(done.lanes) == 4


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 20.0), (0.95, 20.0), (1.0, 20.0)])
def test_delays_are_told_by_shares(share: float, seconds: float) -> None:
    one = Work(segments=1, segment_seconds=20, at_a_time=1, start_seconds=0)
    assert simulate([0.0, 100.0, 200.0], one, 1).delay(share) == seconds
