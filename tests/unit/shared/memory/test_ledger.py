from __future__ import annotations

import pytest

from shared.memory.ledger import SlotLedger, SlotState
from shared.model.errors import FrameLost


@pytest.fixture
def ledger() -> SlotLedger:
    return SlotLedger([10, 10, 100])


def test_the_smallest_slot_that_fits_is_taken(ledger: SlotLedger) -> None:
    assert [ledger.take(50, "s"), ledger.take(5, "s"), ledger.take(5, "s"), ledger.take(5, "s")] == [2, 0, 1, None]


def test_a_slot_goes_its_round(ledger: SlotLedger) -> None:
    slot = ledger.take(1, "s")
    assert slot == 0
    states = [ledger.state(slot)]
    ledger.publish(slot, holder=3)
    states.append(ledger.state(slot))
    ledger.end_session("s", confirmed=False)
    states.append(ledger.state(slot))
    ledger.free_all_of(3)
    states.append(ledger.state(slot))
    assert states == [SlotState.LEASED, SlotState.PUBLISHED, SlotState.QUARANTINED, SlotState.FREE]


def test_only_a_leased_slot_is_published_or_abandoned(ledger: SlotLedger) -> None:
    with pytest.raises(FrameLost, match="free, not leased"):
        ledger.publish(0, 1)
    ledger.take(1, "s")
    ledger.publish(0, 1)
    with pytest.raises(FrameLost, match="published, not leased"):
        ledger.abandon(0)


def test_the_dead_give_back_only_what_they_held(ledger: SlotLedger) -> None:
    for holder in (1, 2):
        slot = ledger.take(1, "s")
        assert slot is not None
        ledger.publish(slot, holder)
    ledger.free_all_of(1)
    assert ledger.holders() == {2}


def test_a_confirmed_end_frees_what_its_readers_held_and_nothing_of_others(ledger: SlotLedger) -> None:
    for session in ("a", "b"):
        slot = ledger.take(1, session)
        assert slot is not None
        ledger.publish(slot, 1)
    ledger.take(50, "a")
    ledger.end_session("a", confirmed=True)
    assert [ledger.state(slot) for slot in range(3)] == [SlotState.FREE, SlotState.PUBLISHED, SlotState.LEASED]


def test_a_quarantine_ends_when_its_holder_confirms_after_all(ledger: SlotLedger) -> None:
    ledger.take(1, "s")
    ledger.publish(0, 1)
    ledger.end_session("s", confirmed=False)
    ledger.end_session("s", confirmed=True)
    assert ledger.state(0) is SlotState.FREE


def test_counts_add_up(ledger: SlotLedger) -> None:
    ledger.take(1, "s")
    ledger.take(1, "t")
    ledger.publish(1, 1)
    assert ledger.counts() == {
        SlotState.FREE: 1, SlotState.LEASED: 1, SlotState.PUBLISHED: 1, SlotState.QUARANTINED: 0,
    }  # fmt: skip
    assert (ledger.count_of("s"), ledger.count_of("t"), ledger.count_of("")) == (1, 1, 0)


def test_slots_that_fit_are_counted_whoever_has_them() -> None:
    ledger = SlotLedger([10, 10, 20])
    ledger.take(10, "s")
    assert [ledger.count_fitting(size) for size in (10, 11, 21)] == [3, 1, 0]
