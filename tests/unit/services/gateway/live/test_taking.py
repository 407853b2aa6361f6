"""What the client of a live stream says, on its way to the lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.gateway.live import talk as live_talk
from services.gateway.problems import Refusal
from shared.model.errors import Unavailable
from shared.model.live import KeyFrameAwaited, LiveEnded, LivePacket, Place, Reason
from tests.unit.services.gateway.live_ends import LiveClient, LiveLane, dropped, is_exact
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from services.gateway.parts import Parts


async def test_a_packet_reaches_the_lane_as_it_was(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle()
    live_client.say(packet=streams_pb2.Packet(pts=-5, key=True, data=b"a"))
    live_client.say(packet=streams_pb2.Packet(pts=1 << 40, data=b"b"))
    await live_client.finish()
    assert [(one.number, one.pts, one.key, one.body) for one in live_lane.said(LivePacket)] == [
        (0, -5, True, b"a"), (1, 1 << 40, False, b"b")
    ]  # fmt: skip


@pytest.mark.parametrize("pts", [(1 << 60) + 1, -(1 << 63)])
async def test_times_that_have_no_room_are_refused(live_client: LiveClient, live_lane: LiveLane, pts: int) -> None:
    live_client.settle()
    live_client.packets(pts)
    assert live_client.running is not None
    with pytest.raises(Refusal, match="2\\^60"):
        await live_client.running


async def test_the_end_can_be_said_in_words(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle()
    live_client.packets(0)
    live_client.say(end=streams_pb2.End())
    live_client.packets(1)
    assert live_client.running is not None
    await live_client.running
    assert live_client.account.received == 1
    assert live_lane.said(LiveEnded) == [LiveEnded()]


async def test_a_look_that_cannot_be_checked_just_now_is_refused_and_the_stream_goes_on(
    parts: Parts, live_client: LiveClient, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_client.settle()
    await live_client.until(lambda: live_client.told("opened"))

    async def away(*_: object) -> None:
        raise Unavailable("The object store is away.")

    monkeypatch.setattr(type(parts.assets), "refuse_missing", away)
    live_client.say(change_look=streams_pb2.ChangeLook(look_name="natural"))
    live_client.packets(0)
    account = await live_client.finish()
    assert live_client.told("look_refused")[0].code == "unavailable"
    assert account.delivered == 1


async def test_what_the_lane_cannot_decode_before_a_key_frame_is_not_sent_there(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_client.settle()
    live_client.say(packet=streams_pb2.Packet(pts=0, key=True, data=b"a"))
    await live_client.until(lambda: live_client.told("frame"))
    await live_lane.say(KeyFrameAwaited(after=0))
    await live_client.until(lambda: any(one.kind == "key-frame-wanted" for one in live_client.told("notice")))
    for pts, key in ((1, False), (2, False), (3, True), (4, False)):
        live_client.say(packet=streams_pb2.Packet(pts=pts, key=key, data=b"b"))
    account = await live_client.finish()
    assert [one.number for one in live_lane.said(LivePacket)] == [0, 3, 4]
    assert dropped(account) == {(Place.GATEWAY, Reason.OVERLOAD): 2}
    assert is_exact(account)


async def test_a_key_frame_is_wanted_again_and_again_while_packets_are_left_out(
    live_client: LiveClient, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_talk, "NOTICE_SECONDS", 0.0)
    live_client.settle()

    def wanted() -> int:
        return sum(one.kind == "key-frame-wanted" for one in live_client.told("notice"))

    live_client.say(packet=streams_pb2.Packet(pts=0, key=True, data=b"a"))
    await live_client.until(lambda: live_client.told("frame"))
    await live_lane.say(KeyFrameAwaited(after=0))
    await live_client.until(lambda: wanted() == 1)
    for pts in (1, 2):
        live_client.say(packet=streams_pb2.Packet(pts=pts, data=b"b"))
        await live_client.until(lambda count=pts + 1: wanted() == count)
    live_client.say(packet=streams_pb2.Packet(pts=3, key=True, data=b"b"))
    await live_client.until(lambda: len(live_client.told("frame")) == 2)
    await live_client.finish()
    assert wanted() == 3


async def test_a_key_frame_that_went_to_the_lane_meanwhile_is_the_one_that_it_waits_for(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_client.settle()
    for pts in range(3):
        live_client.say(packet=streams_pb2.Packet(pts=pts, key=pts == 2, data=b"a"))
    await live_client.until(lambda: len(live_client.told("frame")) == 3)
    await live_lane.say(KeyFrameAwaited(after=1))
    await live_client.until(lambda: any(one.kind == "key-frame-wanted" for one in live_client.told("notice")))
    live_client.say(packet=streams_pb2.Packet(pts=3, data=b"b"))
    account = await live_client.finish()
    assert (account.delivered, dropped(account)) == (4, {})


async def test_frames_come_back_under_the_times_that_the_client_gave(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_lane.mends = 1000
    live_client.settle()
    live_client.packets(5, 7)
    await live_client.finish()
    assert [(one.pts, one.dts) for one in live_client.told("frame")] == [(5, 4), (7, 6)]
