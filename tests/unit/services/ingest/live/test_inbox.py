"""Packets that wait for the decoder: what is too old goes first, and with it what cannot be decoded without it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from services.ingest.live import inbox as live_inbox
from services.ingest.live.inbox import Inbox
from shared.model.live import LivePacket

MS = 1_000_000


def packet(number: int, arrived_ms: int, *, key: bool = False, body: bytes = b"x", more: bool = False) -> LivePacket:
    return LivePacket(number=number, pts=number, key=key, arrived_ns=arrived_ms * MS, body=body, more=more)


def inbox(*packets: LivePacket, intra: bool = False) -> Inbox:
    made = Inbox(100, intra=intra)
    for one in packets:
        made.put(one)
    return made


def taken(box: Inbox, now_ms: int) -> tuple[int | None, list[int]]:
    one, dropped = box.take(now_ms * MS)
    return (one.number if one else None), list(dropped)


def test_packets_come_in_order_while_they_are_young() -> None:
    box = inbox(packet(0, 0, key=True), packet(1, 10), packet(2, 20))
    assert [taken(box, 30) for _ in range(4)] == [(0, []), (1, []), (2, []), (None, [])]


def test_parts_become_one_packet() -> None:
    box = inbox(packet(0, 0, body=b"a", more=True), packet(0, 0, body=b"b", more=True))
    assert taken(box, 0) == (None, [])
    box.put(packet(0, 0, body=b"c", key=True))
    one, _ = box.take(0)
    assert one is not None
    assert (one.body, one.more, one.key) == (b"abc", False, True)


def test_what_has_waited_too_long_is_dropped_up_to_the_newest_key_frame() -> None:
    keys = {0, 2, 4}
    box = inbox(*[packet(number, 9 * number, key=number in keys) for number in range(6)])
    assert taken(box, 45) == (4, [0, 1, 2, 3])
    assert (taken(box, 45), box.wants_key) == ((5, []), False)


def test_without_a_key_frame_nothing_is_taken_before_one_comes() -> None:
    box = inbox(packet(0, 0), packet(1, 30))
    assert taken(box, 45) == (None, [0, 1])
    assert (box.wants_key, box.last) == (True, 1)
    box.put(packet(2, 45))
    assert taken(box, 46) == (None, [2])
    box.put(packet(3, 47, key=True))
    assert taken(box, 48) == (3, [])


def test_a_key_frame_that_has_waited_too_long_itself_is_taken_for_nothing_older() -> None:
    assert taken(inbox(packet(0, 0, key=True)), 45) == (None, [0])


def test_of_frames_that_stand_for_themselves_only_the_old_ones_go() -> None:
    assert taken(inbox(packet(0, 0), packet(1, 30), intra=True), 45) == (1, [0])


def test_more_than_the_memory_allows_is_dropped() -> None:
    box = Inbox(10_000, intra=True)
    for number in range(3):
        box.put(packet(number, 0, body=bytes(live_inbox.MOST_BYTES // 2)))
    assert taken(box, 1) == (1, [0])


@given(
    some.lists(some.tuples(some.integers(0, 50), some.booleans(), some.integers(0, 3)), max_size=60),
    some.booleans(),
)
def test_every_packet_is_taken_or_dropped_once_and_in_order(steps: list[tuple[int, bool, int]], intra: bool) -> None:
    box, now, taken_numbers, dropped_numbers = Inbox(100, intra=intra), 0, [], []
    for number, (wait, key, takes) in enumerate(steps):
        now += wait
        box.put(packet(number, now, key=key))
        for _ in range(takes):
            one, dropped = taken(box, now + wait)
            dropped_numbers += dropped
            if one is not None:
                taken_numbers.append(one)
    while len(box):
        one, dropped = taken(box, now)
        dropped_numbers += dropped
        if one is not None:
            taken_numbers.append(one)
    assert sorted([*taken_numbers, *dropped_numbers]) == list(range(len(steps)))
    assert taken_numbers == sorted(taken_numbers)


def test_a_packet_whose_end_was_lost_is_not_glued_to_the_next() -> None:
    box = inbox(packet(0, 0, key=True, body=b"lost", more=True), packet(1, 0, key=True, body=b"whole"))
    one, _ = box.take(0)
    assert one is not None
    assert (one.number, one.body) == (1, b"whole")


def test_each_break_counts_also_where_a_key_frame_came_too_late_itself() -> None:
    box = inbox(packet(0, 0))
    taken(box, 50)
    box.put(packet(1, 51, key=True))
    taken(box, 100)
    assert (box.wants_key, box.breaks) == (True, 2)


def test_packets_of_a_pause_are_known_while_it_lasts_and_afterwards() -> None:
    box = inbox(packet(0, 0, key=True))
    box.pause(paused=True)
    box.put(packet(1, 1))
    assert [box.is_paused(number) for number in (0, 1)] == [False, True]
    box.pause(paused=False)
    box.put(packet(2, 2))
    box.pause(paused=False)
    box.pause(paused=True)
    box.put(packet(3, 3))
    box.pause(paused=True)  # told again, as when something else of the flow has changed
    box.put(packet(4, 4))
    assert [box.is_paused(number) for number in range(5)] == [False, True, False, True, True]
