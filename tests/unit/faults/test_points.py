"""tests/faults/points.py: which points there are, and how far a job is."""

from __future__ import annotations

import pytest

from tests.faults.points import MOMENTS, POINTS, PROCESSES, Point, campaign, sample, stage


def test_every_process_has_every_moment_which_is_more_than_was_asked_for() -> None:
    assert len({point.name for point in POINTS}) == len(PROCESSES) * len(MOMENTS) == 30
    assert Point("render", "between").name == "render@between"


def test_a_campaign_has_each_point_so_many_times_in_an_order_that_its_seed_gives() -> None:
    found = campaign(POINTS, 8, seed=1)
    assert found == campaign(POINTS, 8, seed=1) != campaign(POINTS, 8, seed=2)
    assert {found.count(point) for point in POINTS} == {8}
    assert set(found[: len(POINTS)]) == set(POINTS), "broken off early, it has hit them equally often"


def test_a_sample_has_each_process_once() -> None:
    assert [point.process for point in sample(seed=1)] == list(PROCESSES)
    assert sample(seed=1) == sample(seed=1)


@pytest.mark.parametrize(
    ("state", "segments", "done", "frames", "moment"),
    [
        ("accepted", 0, 0, 0, "accepted"),
        ("running", 3, 0, 0, "planned"),
        ("running", 3, 0, 12, "drawing"),
        ("running", 3, 2, 99, "between"),
        ("running", 3, 3, 99, "joining"),
    ],
)
def test_how_far_a_job_is_shows_in_its_document(state: str, segments: int, done: int, frames: int, moment: str) -> None:
    assert stage(state, segments, done, frames) == MOMENTS.index(moment)


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_a_job_that_has_ended_is_past_every_moment(state: str) -> None:
    assert stage(state, 3, 3, 99) == len(MOMENTS)
