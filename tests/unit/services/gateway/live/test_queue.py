"""Frames that wait for the client."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live.queue import HELD_FRAMES, MOST_FRAMES, Drawn, FrameQueue
from shared.model.live import LiveFrame


def drawn(number: int, key: bool = False, since: float = 0.0, body: bytes = b"x") -> Drawn:
    frame = LiveFrame(number=number, pts=number, dts=number, key=key, look=0, body=body, arrived_ns=0)
    return Drawn(frame, 0, since)


def numbers(found: list[Drawn]) -> list[int]:
    return [one.frame.number for one in found]


def left(queue: FrameQueue) -> list[int]:
    return [queue.take().frame.number for _ in range(len(queue))]


def test_frames_come_out_in_order() -> None:
    queue = FrameQueue(1.0, is_intra=False)
    assert not [dropped for n in range(3) for dropped in queue.put(drawn(n, key=n == 0))]
    assert left(queue) == [0, 1, 2]


def test_what_waits_for_too_long_is_dropped_up_to_the_next_key_frame() -> None:
    queue = FrameQueue(1.0, is_intra=False)
    for number, key, since in ((0, True, 0.0), (1, False, 1.0), (2, False, 2.0), (3, True, 2.0), (4, False, 2.0)):
        queue.put(drawn(number, key, since))
    assert numbers(queue.overdue(1.5)) == [0, 1, 2]
    assert not queue.broken
    assert left(queue) == [3, 4]


def test_without_a_key_frame_all_that_waits_goes_and_what_follows_too() -> None:
    queue = FrameQueue(1.0, is_intra=False)
    queue.put(drawn(0, key=True))
    queue.put(drawn(1))
    assert numbers(queue.overdue(2.0)) == [0, 1]
    assert queue.broken
    assert numbers(queue.put(drawn(2, since=2.0))) == [2]
    assert not queue.put(drawn(3, key=True, since=2.0))
    assert not queue.broken
    assert left(queue) == [3]


def test_of_frames_that_stand_for_themselves_only_the_late_ones_go() -> None:
    queue = FrameQueue(1.0, is_intra=True)
    queue.put(drawn(0, since=0.0))
    queue.put(drawn(1, since=1.0))
    assert numbers(queue.overdue(1.5)) == [0]
    assert not queue.broken
    assert left(queue) == [1]


def test_the_lane_is_held_from_too_many_frames_until_none_is_left() -> None:
    queue = FrameQueue(1.0, is_intra=True)
    for number in range(HELD_FRAMES):
        queue.put(drawn(number))
    assert not queue.is_held(0.0)
    queue.put(drawn(HELD_FRAMES))
    assert queue.is_held(0.0)
    for _ in range(HELD_FRAMES):
        queue.take()
        assert queue.is_held(0.0)
    queue.take()
    assert not queue.is_held(0.0)


def test_the_lane_is_held_when_one_frame_waits_for_half_of_what_it_may() -> None:
    queue = FrameQueue(1.0, is_intra=True)
    queue.put(drawn(0))
    assert not queue.is_held(0.5)
    assert queue.is_held(0.51)


def test_a_frame_that_was_lost_before_breaks_what_refers_to_it() -> None:
    queue = FrameQueue(1.0, is_intra=False)
    queue.break_off()
    assert queue.broken
    assert numbers(queue.put(drawn(1))) == [1]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.booleans())), st.booleans())
def test_nothing_goes_out_after_a_gap_that_is_no_key_frame(events: list[tuple[bool, int, bool]], intra: bool) -> None:
    """Each event: a frame comes (key or not), time passes, the client takes one or does not."""
    queue, now, out, dropped = FrameQueue(2.0, is_intra=intra), 0.0, [], []
    for number, (key, passes, takes) in enumerate(events):
        dropped += queue.put(drawn(number, key or number == 0, now))
        now += passes
        dropped += queue.overdue(now)
        if takes and len(queue):
            out.append(queue.take())
    out += [queue.take() for _ in range(len(queue))]
    assert sorted(numbers(out) + numbers(dropped)) == list(range(len(events)))
    assert numbers(out) == sorted(numbers(out))
    if not intra:
        follows = zip([-1, *numbers(out)], out, strict=False)
        assert all(one.frame.key or one.frame.number == before + 1 for before, one in follows)


def test_however_slow_the_client_and_however_long_the_delay_memory_is_bounded() -> None:
    queue = FrameQueue(60.0, is_intra=True)
    dropped = [one for number in range(1000) for one in queue.put(drawn(number))]
    assert len(queue) == MOST_FRAMES
    assert len(dropped) == 1000 - MOST_FRAMES
    large = FrameQueue(60.0, is_intra=False)
    for number in range(10):
        large.put(drawn(number, key=True, body=bytes(40 << 20)))
    assert len(large) == 2
