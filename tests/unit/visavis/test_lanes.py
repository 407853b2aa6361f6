from __future__ import annotations

import subprocess
from typing import Any

import pytest

from shared.cuda.card import count
from visavis.lanes import count_cards, settings_of_lanes


def test_one_lane_is_told_nothing() -> None:
    assert settings_of_lanes(1, 4, 0, 16) == ({},)
    assert settings_of_lanes(0, 0, 0, 16) == ({},)
    assert settings_of_lanes(0, 1, 0, 16) == ({},)


def test_each_lane_has_a_card_of_its_own_as_long_as_there_are_some_and_its_share_of_the_cores() -> None:
    expected = [{"VISAVIS_CARD": card, "VISAVIS_LANE_CORES": "5"} for card in ("0", "1", "none")]
    assert list(settings_of_lanes(3, 2, 0, 15)) == expected
    assert [one["VISAVIS_CARD"] for one in settings_of_lanes(0, 8, 0, 16)] == [str(card) for card in range(8)]
    assert [one["VISAVIS_LANE_CORES"] for one in settings_of_lanes(2, 0, 3, 16)] == ["3", "3"]


def test_cards_are_counted_as_cuda_counts_them() -> None:
    assert count_cards() == count()


def test_where_that_cannot_be_asked_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("python", 60)

    monkeypatch.setattr(subprocess, "run", failing)
    assert count_cards() == 0
