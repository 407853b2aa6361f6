"""`visavis up`: what its lanes are told. That it runs: tests/system/test_commands.py."""

from __future__ import annotations

import pytest

from shared.model.errors import Misconfigured
from visavis.cli import up


@pytest.mark.parametrize("lanes", [0, 2])
def test_one_card_is_not_named_for_several_lanes(lanes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CARD", "1")
    with pytest.raises(Misconfigured, match=r"VISAVIS_CARD=1 names one card, .* CUDA_VISIBLE_DEVICES"):
        up._settings(lanes)
    assert up._settings(1) == ({},)


def test_where_none_is_named_no_lane_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CARD", "none")
    monkeypatch.setattr(up, "count_cards", lambda: 2)
    assert [lane["VISAVIS_CARD"] for lane in up._settings(2)] == ["none", "none"]
    monkeypatch.setenv("VISAVIS_CARD", "auto")
    assert [lane["VISAVIS_CARD"] for lane in up._settings(0)] == ["0", "1"]
