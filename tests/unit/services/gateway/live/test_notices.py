"""What is dropped is told as a sum."""

from __future__ import annotations

from services.gateway.live.notices import DropTally
from shared.model.live import Place, Reason


def test_drops_are_told_as_a_sum_by_place_and_reason_once() -> None:
    tally = DropTally()
    tally.drop(2, Place.RENDER, Reason.LATE)
    tally.drop(1, Place.GATEWAY, Reason.SLOW_READER)
    tally.drop(3, Place.RENDER, Reason.LATE)
    told = [(one.kind, one.count, one.place, one.reason) for one in tally.tell()]
    assert told == [("dropped", 5, "render", "late"), ("dropped", 1, "gateway", "slow-reader")]
    assert not tally.tell()


def test_what_could_not_be_decoded_is_told_apart() -> None:
    tally = DropTally()
    tally.fail(2)
    [notice] = tally.tell()
    assert (notice.kind, notice.count, notice.place) == ("failed", 2, "")


def test_nothing_is_told_of_nothing() -> None:
    tally = DropTally()
    tally.drop(0, Place.RENDER, Reason.LATE)
    tally.fail(0)
    assert not tally.tell()


def test_every_reason_has_its_sentence() -> None:
    for reason in Reason:
        tally = DropTally()
        tally.drop(1, Place.INGEST, reason)
        assert tally.tell()[0].detail.endswith(".")
