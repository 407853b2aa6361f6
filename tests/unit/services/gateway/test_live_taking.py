"""What the client of a live stream says, on its way to the lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.errors import Unavailable
from shared.model.live import LiveEnded, LivePacket
from tests.unit.services.gateway.live_ends import LiveClient, LiveLane
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    import pytest

    from services.gateway.parts import Parts


async def test_a_packet_reaches_the_lane_as_it_was(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle()
    live_client.say(packet=streams_pb2.Packet(pts=-5, key=True, data=b"a"))
    live_client.say(packet=streams_pb2.Packet(pts=1 << 40, data=b"b"))
    await live_client.finish()
    assert [(one.number, one.pts, one.key, one.body) for one in live_lane.said(LivePacket)] == [
        (0, -5, True, b"a"), (1, 1 << 40, False, b"b")
    ]  # fmt: skip


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
