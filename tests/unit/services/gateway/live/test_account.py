"""The exact account of a live session."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live import account as live_account
from services.gateway.live.account import LiveAccount
from shared.model.live import Place, Reason

NUMBERS = st.integers(-2, 12)
MANY = st.lists(NUMBERS, max_size=5)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("receive")),
        st.tuples(st.just("reach"), NUMBERS),
        st.tuples(st.just("take"), NUMBERS),
        st.tuples(st.just("deliver"), NUMBERS),
        st.tuples(st.just("drop"), MANY, st.sampled_from(Place), st.sampled_from(Reason)),
        st.tuples(st.just("fail"), MANY),
    ),
    max_size=60,
)


def sum_of(account: LiveAccount) -> int:
    return account.delivered + account.dropped.total() + account.failed + account.under_way


@given(EVENTS, st.booleans())
def test_whatever_is_told_in_whatever_order_the_sum_is_right(events: list[Any], finished: bool) -> None:
    account = LiveAccount()
    for name, *arguments in events:
        getattr(account, name)(*arguments)
        assert account.received == sum_of(account)
        assert min(account.dropped.values(), default=1) > 0
    account.lane_ended(finished=finished)
    account.close()
    assert account.under_way == 0
    assert account.received == account.delivered + account.dropped.total() + account.failed


@given(EVENTS)
def test_what_is_settled_never_changes(events: list[Any]) -> None:
    account = LiveAccount()
    before = (0, 0, 0)
    for name, *arguments in events:
        getattr(account, name)(*arguments)
        now = (account.delivered, account.failed, account.dropped.total())
        assert all(new >= old for new, old in zip(now, before, strict=True))
        before = now


@given(EVENTS, st.booleans())
def test_who_counts_beside_it_comes_to_the_same_sums(events: list[Any], finished: bool) -> None:
    told: Counter[tuple[str, str, str]] = Counter()
    account = LiveAccount(lambda outcome, count, place, reason: told.update({(outcome, place, reason): count}))
    for name, *arguments in events:
        getattr(account, name)(*arguments)
    account.lane_ended(finished=finished)
    account.close()
    expected = {("dropped", place, reason): count for (place, reason), count in account.dropped.items()}
    expected |= {("delivered", "", ""): account.delivered, ("failed", "ingest", "undecodable"): account.failed}
    assert told == {key: count for key, count in expected.items() if count}


def test_packets_are_numbered_without_a_gap() -> None:
    account = LiveAccount()
    assert [account.receive() for _ in range(3)] == [0, 1, 2]


def test_a_frame_counts_once_however_often_it_comes() -> None:
    account = LiveAccount()
    account.receive()
    assert account.take(0)
    assert not account.take(0)
    assert account.deliver(0)
    assert not account.deliver(0)
    assert not account.take(0)
    assert account.facts() == {"received": 1, "delivered": 1, "failed": 0, "dropped": 0}


def test_of_a_frame_that_is_here_the_lane_has_nothing_more_to_say() -> None:
    account = LiveAccount()
    account.receive()
    account.take(0)
    assert not account.drop((0,), Place.RENDER, Reason.LATE)
    assert not account.fail((0,))
    assert account.drop((0,), Place.GATEWAY, Reason.SLOW_READER) == 1


def test_what_a_finished_lane_never_told_of_could_not_be_decoded() -> None:
    account = LiveAccount()
    account.receive()
    account.lane_ended(finished=True)
    assert (account.failed, account.dropped.total()) == (1, 0)


def test_what_a_broken_lane_never_told_of_is_lost() -> None:
    account = LiveAccount()
    account.receive()
    account.lane_ended(finished=False)
    assert account.dropped == {(Place.INGEST, Reason.LOST): 1}


def test_a_source_of_the_lanes_own_is_counted_by_the_highest_number_told() -> None:
    account = LiveAccount()
    account.reach(4)
    account.reach(2)
    assert (account.received, account.under_way) == (5, 5)


def test_a_lane_that_never_tells_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_account, "MOST_UNDER_WAY", 10)
    account = LiveAccount()
    account.reach(99)
    assert (account.under_way, account.dropped[Place.INGEST, Reason.LOST]) == (10, 90)
