"""docs/scaling.md and docs/scaling.svg are what the simulation says."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

pytest.importorskip("yaml", reason="PyYAML, by which the scaler's rule is read, is not installed")

from tests.derived import scaling_page
from tests.derived.scaling_page import PAGE, PICTURE, picture, requests, written

if TYPE_CHECKING:
    from tests.bench.scaling import Outcome


@cache
def day() -> dict[str, Outcome]:
    return scaling_page.outcomes()


def test_page_and_picture_are_those_of_the_rule() -> None:
    assert written(PAGE.read_text(), day()) == PAGE.read_text(), "run `python -m tests.derived.scaling_page`"
    assert picture(day()) == PICTURE.read_text(), "run `python -m tests.derived.scaling_page`"


def test_the_day_is_the_recorded_one() -> None:
    came = requests()
    assert (len(came), sum(came), max(came), came[16 * 12 + 2]) == (288, 19_895, 335, 335)
    assert re.search(r"19,895, at most 335", PAGE.read_text())


def test_every_job_is_done_and_the_scaled_fleet_costs_less_than_the_largest() -> None:
    scaled, largest = day()["scaled, 2 reserved"], list(day().values())[-1]
    assert {len(one.delays) for one in day().values()} == {sum(requests())}
    assert scaled.lane_hours < 0.5 * largest.lane_hours


def test_the_picture_is_one() -> None:
    drawn = ElementTree.fromstring(PICTURE.read_text())  # noqa: S314  -- our own
    assert len(drawn.findall("{http://www.w3.org/2000/svg}path")) == 7


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(SystemExit, match="day"):
        written("", day())
