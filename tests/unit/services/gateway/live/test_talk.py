"""The conversation of a live stream: looks that change, clients that are slow, and the clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.gateway.live import lane as live_lane_module
from services.gateway.live import talk as live_talk
from services.gateway.problems import Refusal
from shared.model.jobs import Problem
from shared.model.live import (
    FlowChanged,
    KeyFrameWanted,
    LiveEnded,
    LiveNoticed,
    LookRefused,
    LookWanted,
    Place,
    Reason,
)
from shared.model.looks import Look
from tests.unit.services.gateway.live_ends import LiveClient, LiveLane, dropped, is_exact, live_settings
from visavis.v1 import looks_pb2, streams_pb2

if TYPE_CHECKING:
    from services.gateway.parts import Parts

MJPEG = streams_pb2.StreamOutput(codec=streams_pb2.CODEC_MJPEG)


async def test_another_look_is_told_with_the_first_frame_that_is_drawn_by_it(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_client.settle()
    live_client.packets(0, 10)
    live_client.say(change_look=streams_pb2.ChangeLook(look=looks_pb2.Look(smooth=0.5)))
    live_client.packets(20, 30)
    await live_client.finish()
    assert [(one.change, one.from_pts) for one in live_client.told("look_changed")] == [(1, 20)]
    assert live_lane.said(LookWanted) == [LookWanted(look=Look(smooth=0.5), change=1)]


@pytest.mark.parametrize("wrong", ['{"smooth": 7}', "no such preset", '{"background": {"kind": "transparent"}}'])
async def test_a_wrong_look_is_refused_and_the_stream_goes_on(
    live_client: LiveClient, live_lane: LiveLane, wrong: str
) -> None:
    live_client.settle()
    live_client.say(change_look=streams_pb2.ChangeLook(look_name=wrong))
    live_client.say(change_look=streams_pb2.ChangeLook(look_name="natural"))
    live_client.packets(0)
    account = await live_client.finish()
    [refused] = live_client.told("look_refused")
    assert (refused.change, refused.code in {"invalid-look", "unsupported-look"}) == (1, True)
    assert refused.detail
    assert [(one.change, one.from_pts) for one in live_client.told("look_changed")] == [(2, 0)]
    assert account.delivered == 1


async def test_a_look_that_the_lane_refuses_is_told(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_lane.answers = {"LookWanted": [LookRefused(change=1, problem=Problem("unsupported-look", "It cannot."))]}
    live_client.settle()
    live_client.say(change_look=streams_pb2.ChangeLook(look_name="natural"))
    await live_client.finish()
    [refused] = live_client.told("look_refused")
    assert (refused.change, refused.code, refused.detail) == (1, "unsupported-look", "It cannot.")


async def test_what_the_lane_notices_is_passed_on(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_lane.answers = {"LivePacket": [LiveNoticed(kind="degraded", detail="Only half of the frames are drawn.")]}
    live_client.settle()
    live_client.packets(0)
    await live_client.finish()
    assert ("degraded", "Only half of the frames are drawn.") in [
        (one.kind, one.detail) for one in live_client.told("notice")
    ]


async def test_a_key_frame_is_asked_for(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle()
    live_client.packets(0, 1)
    live_client.say(request_key_frame=streams_pb2.RequestKeyFrame())
    live_client.packets(2)
    await live_client.finish()
    assert [one.key for one in live_client.told("frame")] == [True, False, True]


async def test_pausing_is_passed_on_once(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle()
    for message in ("pause", "pause", "unpause"):
        live_client.say(**{message: {}})
    await live_client.finish()
    assert live_lane.said(FlowChanged) == [FlowChanged(paused=True, held=False), FlowChanged(paused=False, held=False)]


async def test_for_a_slow_reader_the_lane_is_held_and_let_go_when_all_is_taken(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_client.settle(max_delay_ms=60_000)
    await live_client.until(lambda: live_client.told("opened"))
    live_client.takes.clear()
    live_client.packets(*range(8))
    held = FlowChanged(paused=False, held=True)
    await live_client.until(lambda: held in live_lane.heard)
    live_client.packets(8, 9)
    live_client.takes.set()
    await live_client.until(lambda: FlowChanged(paused=False, held=False) in live_lane.heard)
    live_client.packets(10)
    account = await live_client.finish()
    assert is_exact(account)
    assert account.delivered < account.received == 11
    assert set(dropped(account)) == {("ingest", "overload")}
    assert live_client.told("frame")[-1].pts == 10


async def test_what_a_slow_reader_does_not_take_in_time_is_dropped_here_and_a_key_frame_follows(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_client.settle(max_delay_ms=100)
    live_client.packets(0)
    await live_client.until(lambda: live_client.told("frame"))
    live_client.takes.clear()
    live_client.packets(1, 2, 3)
    await live_client.until(lambda: KeyFrameWanted() in live_lane.heard)
    live_client.takes.set()
    await live_client.until(lambda: FlowChanged(paused=False, held=False) in live_lane.heard)
    live_client.packets(4, 5)
    account = await live_client.finish()
    assert is_exact(account)
    assert dropped(account)["gateway", "slow-reader"] >= 2
    after = [one for one in live_client.told("frame") if one.pts >= 4]
    assert after[0].key
    assert live_lane.said(KeyFrameWanted) == [KeyFrameWanted()]


async def test_of_frames_that_stand_for_themselves_no_key_frame_is_wanted(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_client.settle(max_delay_ms=100, output=MJPEG)
    live_client.takes.clear()
    live_client.packets(0, 1, 2)
    await live_client.until(lambda: live_client.call.account.dropped[Place.GATEWAY, Reason.SLOW_READER])
    live_client.takes.set()
    assert is_exact(await live_client.finish())
    assert not live_lane.said(KeyFrameWanted)


async def test_a_slow_reader_does_not_fill_the_memory(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle(max_delay_ms=60_000, output=MJPEG)
    await live_client.until(lambda: live_client.told("opened"))
    live_client.takes.clear()
    live_client.packets(*range(300))
    await live_client.until(lambda: live_client.call.account.received == 300)
    await live_client.until(lambda: live_client.call.account.under_way < 80)
    live_client.takes.set()
    assert is_exact(await live_client.finish())


async def test_who_takes_nothing_at_all_is_let_go(parts: Parts, live_client: LiveClient, live_lane: LiveLane) -> None:
    object.__setattr__(parts.live, "settings", parts.settings.model_copy(update={"live_idle_seconds": 0.2}))
    live_client.say(settings=live_settings())
    running = live_client.start()
    await live_client.until(lambda: live_client.told("opened"))
    live_client.takes.clear()
    number = 0
    while not running.done():  # what comes is younger than what is not taken, however slow the machine
        live_client.packets(number)
        number += 1
        await asyncio.sleep(0.01)
    with pytest.raises(Refusal, match="taken") as refused:
        await running
    assert refused.value.code == "idle"
    assert live_client.call.account.dropped[Place.GATEWAY, Reason.SLOW_READER]
    assert not live_client.told("frame")


async def test_drops_are_told_while_the_stream_goes_on(
    live_client: LiveClient, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_talk, "NOTICE_SECONDS", 0.0)
    live_lane.fates = dict.fromkeys(range(5), (Place.DETECT, Reason.LATE))
    live_client.settle()
    live_client.packets(*range(5))
    await live_client.until(lambda: sum(one.count for one in live_client.told("notice")) == 5)
    await live_client.finish()


async def test_what_is_left_to_give_when_the_lane_has_finished_may_take_its_time(
    live_client: LiveClient, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_lane_module, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(live_lane_module, "BEAT_SECONDS", 0.05)
    live_client.settle(max_delay_ms=60_000)
    await live_client.until(lambda: live_client.told("opened"))
    live_client.takes.clear()
    live_client.packets(0, 1, 2)
    live_client.end()
    await live_client.until(lambda: LiveEnded() in live_lane.heard)
    await asyncio.sleep(0.5)
    live_client.takes.set()
    assert live_client.running is not None
    await live_client.running
    assert live_client.account.delivered == 3
