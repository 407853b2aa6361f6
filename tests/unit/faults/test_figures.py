"""tests/faults/figures.py: sums, percentiles, the table."""

from __future__ import annotations

import pytest

from tests.faults.figures import by, figures, percentile, table
from tests.faults.rounds import Round


@pytest.fixture
def rounds() -> list[Round]:
    clean = Round("render@between", hit=True, recovery_seconds=2.0)
    slow = Round("render@drawing", hit=True, recovery_seconds=11.5, left={"slots": 2, "objects": 1})
    lost = Round("nats@drawing", hit=True, jobs_lost=1, recovery_seconds=120.0)
    missed = Round("decoder@joining", missed=4)
    missed.frames["foreign"] = 3
    return [clean, slow, lost, missed]


@pytest.mark.parametrize(("percent", "value"), [(50, 100), (99, 198), (100, 200)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, value: int) -> None:
    assert percentile(range(1, 201), percent) == value


def test_the_99th_of_few_values_is_the_largest() -> None:
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0


def test_figures_are_sums_and_the_recovery_of_what_recovered(rounds: list[Round]) -> None:
    found = figures(rounds)
    assert (found["rounds"], found["hit"], found["jobs_lost"]) == (4, 3, 1)
    assert found["frames"]["foreign"] == 3
    assert found["left"] == {"slots": 2, "work_files": 0, "objects": 1}
    assert found["recovery_seconds"] == {"p50": 2.0, "p99": 11.5, "max": 11.5}
    assert figures([rounds[3]])["recovery_seconds"] is None


def test_rounds_are_told_apart_by_process_and_by_moment(rounds: list[Round]) -> None:
    assert {name: len(some) for name, some in by(rounds, 0).items()} == {"render": 2, "nats": 1, "decoder": 1}
    assert set(by(rounds, 1)) == {"between", "drawing", "joining"}


def test_the_table_has_a_line_for_each_process_and_one_for_all(rounds: list[Round]) -> None:
    lines = table(rounds).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["render", "nats", "decoder", "all"]
    assert lines[2] == "| render | 2 of 2 | 0 | 0 | 0 | 0 | 2, 0, 1 | 2.0, 11.5, 11.5 s |"
    assert lines[4].endswith("| 0, 0, 0 | none |")


def test_a_round_is_clean_when_nothing_is_lost_or_left(rounds: list[Round]) -> None:
    assert [one.is_clean for one in rounds] == [True, False, False, False]
