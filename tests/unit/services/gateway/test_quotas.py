"""What a key may have, by a clock that the test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from services.gateway.problems import Refusal
from services.gateway.quotas import (
    FULL_TRACES_A_MINUTE,
    PICTURE_PIXELS,
    SAVED_SECONDS,
    USUAL_RATE,
    Hold,
    KeyQuota,
    frames_of_facts,
    metered,
)
from shared.model.keys import Quotas
from tests.unit.services.gateway.live_ends import FACTS
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MPX = 1 << 20


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def quota_of(clock: Clock, **quotas: int) -> KeyQuota:
    return KeyQuota(Quotas(**quotas), clock)


def picture(quota: KeyQuota, pixels: int) -> None:
    with quota.picture() as charge:
        charge.pixels = pixels


def retry_after(refused: pytest.ExceptionInfo[Refusal]) -> int | None:
    assert refused.value.code == "quota-exceeded"
    said = refused.value.headers.get("Retry-After")
    return int(said) if said else None


def test_without_quotas_everything_passes(clock: Clock) -> None:
    quota = quota_of(clock)
    for _ in range(3):
        picture(quota, 1 << 40)
        quota.announce_bytes(1 << 50)
        quota.take_bytes(1 << 50)
    with quota.session(1 << 40, 30), quota.session(1 << 40, 30):
        quota.refuse_debt()


def test_a_picture_that_is_too_large_is_paid_off_before_the_next(clock: Clock) -> None:
    quota = quota_of(clock, pixels_per_second=MPX)
    picture(quota, int((SAVED_SECONDS + 5) * MPX))
    with pytest.raises(Refusal) as refused:
        picture(quota, 1)
    assert retry_after(refused) == 6  # five and the first pixel of a second more
    clock.now += 6
    picture(quota, 1)


def test_over_a_long_time_a_key_has_its_pixels_a_second_and_no_more(clock: Clock) -> None:
    quota, served = quota_of(clock, pixels_per_second=MPX), 0
    for _ in range(1000):
        clock.now += 0.5
        try:
            picture(quota, 3 * MPX)
        except Refusal:
            continue
        served += 3
    assert 500 <= served <= 500 + SAVED_SECONDS + 3


def test_pictures_under_way_count_before_their_size_is_known(clock: Clock) -> None:
    quota = quota_of(clock, pixels_per_second=PICTURE_PIXELS // int(SAVED_SECONDS) + 1)
    with quota.picture(), quota.picture(), pytest.raises(Refusal), quota.picture():
        pass


def test_a_picture_of_which_nothing_came_costs_nothing(clock: Clock) -> None:
    quota = quota_of(clock, pixels_per_second=100)
    for _ in range(5):
        with pytest.raises(ValueError, match="damaged"), quota.picture():
            raise ValueError("damaged")
    quota.refuse_debt()


def test_bytes_come_back_over_the_day(clock: Clock) -> None:
    quota = quota_of(clock, bytes_per_day=86_400)
    quota.take_bytes(86_400)
    with pytest.raises(Refusal) as refused:
        quota.take_bytes(10)
    assert retry_after(refused) == 10
    clock.now += 10
    quota.take_bytes(10)


def test_an_upload_that_says_that_it_is_too_large_is_refused_before_it_comes(clock: Clock) -> None:
    quota = quota_of(clock, bytes_per_day=86_400)
    with pytest.raises(Refusal) as refused:
        quota.announce_bytes(86_401)
    assert retry_after(refused) is None, "coming back would not help"
    quota.announce_bytes(86_400)
    quota.take_bytes(86_000)
    with pytest.raises(Refusal) as refused:
        quota.announce_bytes(500)
    assert retry_after(refused) == 100


def test_so_many_streams_at_a_time(clock: Clock) -> None:
    quota = quota_of(clock, sessions=2)
    with quota.session(), quota.session():
        with pytest.raises(Refusal) as refused, quota.session():
            pass
        assert retry_after(refused) == 10
    with quota.session(), quota.session():
        pass


def test_a_stream_has_its_pixels_for_itself(clock: Clock) -> None:
    quota = quota_of(clock, pixels_per_second=10 * MPX)
    with quota.session(MPX, 6):
        with pytest.raises(Refusal) as refused, quota.session(MPX, 5):
            pass
        assert retry_after(refused) == 10
        picture(quota, int(10 * MPX * SAVED_SECONDS))
        clock.now += 1
        picture(quota, 5 * MPX)  # one more than it got in that second beside the stream
        with pytest.raises(Refusal):
            picture(quota, 1)
    clock.now += 1
    with quota.session(MPX, 10):
        pass


def test_a_stream_that_never_fits_is_not_told_to_come_back(clock: Clock) -> None:
    quota = quota_of(clock, pixels_per_second=MPX)
    with pytest.raises(Refusal) as refused, quota.session(MPX, 2):
        pass
    assert retry_after(refused) is None


def test_a_stream_that_says_later_what_it_needs_is_counted_then(clock: Clock) -> None:
    quota = quota_of(clock, pixels_per_second=MPX)
    with quota.session() as hold:
        hold.take(MPX, 1)
        with pytest.raises(Refusal):
            hold.take(MPX, 2)
        assert hold.pixels_per_second == MPX
        hold.take(MPX, 0.5)
    with quota.session(MPX, 1):
        pass


async def test_packets_of_a_live_stream_count(clock: Clock) -> None:
    quota = quota_of(clock, bytes_per_day=100)

    async def said() -> AsyncIterator[streams_pb2.ClientMessage]:
        for size in (60, 40, 1):
            yield streams_pb2.ClientMessage(pause=streams_pb2.Pause())
            yield streams_pb2.ClientMessage(packet=streams_pb2.Packet(data=bytes(size)))

    heard: list[str | None] = []

    async def hear() -> None:
        async for message in metered(said(), quota, Hold(quota, clock)):
            heard.append(message.WhichOneof("message"))  # noqa: PERF401  -- what came before it breaks off counts

    with pytest.raises(Refusal, match="bytes_per_day"):
        await hear()
    assert heard == ["pause", "packet", "pause", "packet", "pause"]


def test_more_frames_than_were_said_come_out_of_what_the_key_has_besides(clock: Clock) -> None:
    quota = quota_of(clock, pixels_per_second=2 * MPX)
    with quota.session(MPX, 1) as hold:
        for _ in range(60):
            hold.frame()
            clock.now += 1
        beside = int(SAVED_SECONDS) * 2  # saved by the key, which gets one a second beside the stream
        for _ in range(int(SAVED_SECONDS) + beside):
            hold.frame()
        with pytest.raises(Refusal) as refused:
            hold.frame()
        assert retry_after(refused) == 1


def test_a_lane_says_what_a_stream_really_has() -> None:
    assert frames_of_facts(FACTS) == (64 * 48, 30)
    assert frames_of_facts(msgspec.structs.replace(FACTS, frame_rate=(0, 0))) == (64 * 48, USUAL_RATE)


def test_full_traces_are_some_a_minute(clock: Clock) -> None:
    quota = quota_of(clock)
    assert [quota.take_full_trace() for _ in range(FULL_TRACES_A_MINUTE + 1)] == [True] * FULL_TRACES_A_MINUTE + [False]
    clock.now += 60 / FULL_TRACES_A_MINUTE
    assert [quota.take_full_trace() for _ in range(2)] == [True, False]
