"""A live stream from the client's first message to its last, whatever the protocol."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from services.gateway.access import Access
from services.gateway.live import lane as live_lane_module
from services.gateway.live import talk as live_talk
from services.gateway.live.settings import context_of
from services.gateway.problems import Refusal
from shared.model.errors import Rejected, Unavailable
from shared.model.jobs import Problem
from shared.model.keys import Quotas, Scope
from shared.model.live import FlowChanged, LiveEnded, LiveFrame, LivePacket, Place, Reason
from shared.model.looks import Look
from shared.model.past import VERSION, SessionPast
from shared.model.presets import PRESETS
from shared.model.sessions import CHUNK_BYTES, SessionFailed
from shared.transport import wire
from tests.unit.services.gateway.live_ends import LiveClient, LiveLane, dropped, is_exact
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from services.gateway.parts import Parts
    from shared.testing import MemoryBus, MemoryContext
    from shared.transport.keys import KeyRing


def listeners(bus: MemoryBus) -> list[str]:
    return [subject for subject, _ in bus._listeners]


async def test_every_packet_comes_back_as_a_frame_of_its_pts(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle(want_timings=True)
    live_client.packets(0, 3000, 1500)
    account = await live_client.finish()
    frames = live_client.told("frame")
    assert [(one.pts, one.data, one.header) for one in frames] == [
        (0, b"packet", b"head"), (3000, b"packet", b""), (1500, b"packet", b"")
    ]  # fmt: skip
    assert [hop.name for hop in frames[0].hops] == ["ingest", "detect", "render", "gateway"]
    assert (account.received, account.delivered, account.failed, dropped(account)) == (3, 3, 0, {})
    assert [one.number for one in live_lane.said(LivePacket)] == [0, 1, 2]


async def test_the_first_words_say_that_it_is_open_and_what_it_is(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle()
    live_client.packets(0)
    await live_client.finish()
    kinds = [one.WhichOneof("message") for one in live_client.heard]
    assert kinds == ["opened", "began", "frame", "account"]
    [began] = live_client.told("began")
    assert (began.width, began.height, began.resumed) == (64, 48, False)


async def test_what_was_not_asked_for_is_left_out(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle(want_picture=False, want_faces=True)
    live_client.packets(0)
    await live_client.finish()
    [frame] = live_client.told("frame")
    assert (frame.data, len(frame.hops)) == (b"", 0)


async def test_large_packets_and_frames_go_in_pieces(live_client: LiveClient, live_lane: LiveLane) -> None:
    large = np.random.default_rng(1).bytes(CHUNK_BYTES * 2 + 1)
    live_client.settle()
    live_client.packets(0, data=large)
    await live_client.finish()
    assert [one.data for one in live_client.told("frame")] == [large]
    assert [one.more for one in live_lane.said(LivePacket)] == [True, True, False]


async def test_what_is_dropped_or_broken_is_in_the_account_and_told_as_a_sum(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    late = (Place.RENDER, Reason.LATE)
    live_lane.fates = {1: late, 2: late, 3: (Place.INGEST, None)}
    live_client.settle()
    live_client.packets(*range(5))
    account = await live_client.finish()
    assert (account.received, account.delivered, account.failed) == (5, 2, 1)
    assert dropped(account) == {("render", "late"): 2}
    told = {(one.kind, one.count) for one in live_client.told("notice")}
    assert told == {("dropped", 2), ("failed", 1)}


async def test_what_the_lane_finished_without_a_word_of_could_not_be_decoded(
    live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_lane.mute = True
    live_client.settle()
    live_client.packets(0, 1)
    account = await live_client.finish()
    assert (account.received, account.failed) == (2, 2)


async def test_a_lane_that_does_not_finish_is_not_waited_for(
    live_client: LiveClient, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_talk, "FINISH_SECONDS", 0.05)
    live_lane.finishes = False
    live_lane.mute = True
    live_client.settle(max_delay_ms=20)
    live_client.packets(0)
    account = await live_client.finish()
    assert dropped(account) == {("ingest", "lost"): 1}
    await live_client.until(lambda: LiveEnded(abandoned=True) in live_lane.heard)


async def test_frames_that_come_twice_or_of_no_packet_are_ignored(live_client: LiveClient, live_lane: LiveLane) -> None:
    frame = LiveFrame(number=0, pts=0, dts=0, key=True, look=0, body=b"again", arrived_ns=0)
    stranger = LiveFrame(number=77, pts=0, dts=0, key=True, look=0, body=b"stranger", arrived_ns=0)
    live_lane.answers = {"LiveEnded": [frame, stranger]}
    live_client.settle()
    live_client.packets(0)
    account = await live_client.finish()
    assert [one.data for one in live_client.told("frame")] == [b"packet"]
    assert (account.received, account.delivered) == (1, 1)


async def test_the_token_leads_to_the_past_and_stands_nowhere_on_the_bus(
    parts: Parts, live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_client.settle()
    live_client.packets(0)
    await live_client.finish()
    [opened] = live_client.told("opened")
    again = LiveClient(parts)
    again.settle(resume_token=opened.resume_token)
    again.packets(0)
    await again.finish()
    assert again.told("began")[0].resumed
    assert again.told("opened")[0].resume_token == opened.resume_token
    first, second = live_lane.opened
    assert (first.context, first.resume) == (context_of(opened.resume_token), False)
    assert (second.context, second.resume) == (first.context, True)
    assert opened.resume_token not in str(live_lane.opened)


async def kept(contexts: MemoryContext, token: str, **changed: Any) -> None:
    """Render has kept a past."""
    past = SessionPast(look=Look(brightness=0.5), state=msgspec.Raw(b"\xc0"), **changed)
    await contexts.put(context_of(token), wire.encode(past), 60)


async def test_who_goes_on_and_names_no_look_has_the_one_in_force(
    parts: Parts, contexts: MemoryContext, live_lane: LiveLane
) -> None:
    token = "a" * 22
    await kept(contexts, token)
    for more in ({"look_name": ""}, {"look_name": "none"}):
        client = LiveClient(parts)
        client.settle(resume_token=token, **more)
        client.packets(0)
        await client.finish()
    asked = [(one.settings.look, one.resume) for one in live_lane.opened]
    assert asked == [(Look(brightness=0.5), True), (PRESETS["none"], True)]


@pytest.mark.parametrize("lost", ["never kept", "of another version", "garbage", "away"])
async def test_where_the_look_in_force_is_lost_all_of_the_past_is_and_the_stream_begins_anew(
    live_client: LiveClient, contexts: MemoryContext, live_lane: LiveLane, lost: str
) -> None:
    token = "a" * 22
    live_lane.pasts = {context_of(token)}
    if lost == "of another version":
        await kept(contexts, token, version=VERSION + 1)
    elif lost == "garbage":
        await contexts.put(context_of(token), b"\xc1", 60)
    contexts.down = lost == "away"
    live_client.settle(resume_token=token, look_name="")
    live_client.packets(0)
    await live_client.finish()
    assert not live_client.told("began")[0].resumed
    assert live_client.told("opened")[0].resume_token == token
    assert live_lane.opened[0].settings.look == PRESETS["default"]


async def test_a_token_of_no_past_begins_a_new_stream(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle(resume_token="a" * 22)
    live_client.packets(0)
    await live_client.finish()
    assert not live_client.told("began")[0].resumed


async def test_who_goes_on_with_a_stream_ends_the_connection_that_had_it(
    parts: Parts, live_client: LiveClient, live_lane: LiveLane
) -> None:
    live_client.settle()
    await live_client.until(lambda: live_client.told("opened"))
    again = LiveClient(parts)
    again.settle(resume_token=live_client.told("opened")[0].resume_token)
    assert live_client.running is not None
    with pytest.raises(Refusal, match="goes on") as refused:
        await live_client.running
    assert refused.value.code == "gone"
    await again.until(lambda: again.told("opened"))
    assert live_lane.said(LiveEnded) == [LiveEnded(abandoned=True)]
    await again.finish()


async def test_cancelled_at_any_moment_nothing_is_left(parts: Parts, bus: MemoryBus, live_lane: LiveLane) -> None:
    moments = np.random.default_rng(7)
    before = asyncio.all_tasks()
    for _ in range(30):
        client = LiveClient(parts)
        client.settle()
        client.packets(*range(20), data=bytes(CHUNK_BYTES + 1))
        for _ in range(moments.integers(120)):
            await asyncio.sleep(0)
        await client.close()
        account = client.call.account
        assert account.received == account.delivered + account.dropped.total() + account.failed
    await asyncio.gather(*live_lane.tasks.values())
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert not listeners(bus)
    assert parts.live.under_way == 0


async def test_a_client_that_goes_away_is_told_to_the_lane(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle()
    await live_client.until(lambda: live_client.told("opened"))
    await live_client.close()
    await asyncio.gather(*live_lane.tasks.values())
    assert live_lane.said(LiveEnded) == [LiveEnded(abandoned=True)]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"settings": streams_pb2.StreamSettings()}, "malformed-request"),
        ({}, "malformed-request"),
        ({"packet": streams_pb2.Packet(data=bytes(2_000_001))}, "too-large"),
        ({"packet": streams_pb2.Packet()}, "malformed-request"),
    ],
)
async def test_what_may_not_be_said_ends_the_stream_with_a_sentence(
    live_client: LiveClient, live_lane: LiveLane, message: dict[str, Any], code: str
) -> None:
    live_client.settle()
    live_client.packets(0)
    await live_client.until(lambda: live_client.told("frame"))
    live_client.say(**message)
    assert live_client.running is not None
    with pytest.raises((Refusal, Rejected)) as refused:
        await live_client.running
    assert (refused.value.code, str(refused.value)[-1]) == (code, ".")
    assert is_exact(live_client.account)


@pytest.mark.parametrize("first", [{"packet": streams_pb2.Packet(data=b"x")}, {}])
async def test_the_settings_come_first(live_client: LiveClient, live_lane: LiveLane, first: dict[str, Any]) -> None:
    live_client.say(**first)
    with pytest.raises(Refusal, match="first"):
        await live_client.start()
    assert not live_lane.opened


async def test_a_look_that_cannot_be_drawn_opens_nothing(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_client.settle(look_name='{"smooth": 7}')
    assert live_client.running is not None
    with pytest.raises(Rejected):
        await live_client.running
    assert not live_lane.opened


async def test_no_more_streams_than_the_setting_are_taken(
    parts: Parts, live_client: LiveClient, live_lane: LiveLane
) -> None:
    object.__setattr__(parts.live, "settings", parts.settings.model_copy(update={"max_live": 1}))
    live_client.settle()
    await live_client.until(lambda: live_client.told("opened"))
    second = LiveClient(parts)
    with pytest.raises(Refusal, match="max_live") as refused:
        await second.start()
    assert refused.value.code == "no-room"
    await live_client.finish()


async def test_a_stream_on_which_nothing_comes_ends(parts: Parts, live_client: LiveClient, live_lane: LiveLane) -> None:
    object.__setattr__(parts.live, "settings", parts.settings.model_copy(update={"live_idle_seconds": 0.1}))
    live_client.settle()
    assert live_client.running is not None
    with pytest.raises(Refusal, match="live_idle_seconds") as refused:
        await live_client.running
    assert refused.value.code == "idle"
    assert live_client.account.received == 0


async def test_a_stream_that_is_paused_may_be_silent_for_longer(
    parts: Parts, live_client: LiveClient, live_lane: LiveLane
) -> None:
    short = {"live_idle_seconds": 0.1, "live_paused_seconds": 0.3}
    object.__setattr__(parts.live, "settings", parts.settings.model_copy(update=short))
    live_client.settle()
    live_client.say(pause=streams_pb2.Pause())
    assert live_client.running is not None
    with pytest.raises(Refusal, match="live_paused_seconds"):
        await live_client.running
    assert FlowChanged(paused=True, held=False) in live_lane.heard


async def test_without_settings_nobody_is_waited_for(parts: Parts, live_client: LiveClient) -> None:
    object.__setattr__(parts.live, "settings", parts.settings.model_copy(update={"live_idle_seconds": 0.1}))
    with pytest.raises(Refusal, match="settings"):
        await live_client.start()


async def test_a_lane_that_falls_silent_is_lost_and_the_client_may_come_back(
    live_client: LiveClient, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_lane_module, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(live_lane_module, "BEAT_SECONDS", 0.05)
    live_client.settle()
    live_client.packets(0)
    await live_client.until(lambda: live_client.told("frame"))
    live_lane.mute = True
    live_client.packets(1)
    await live_client.until(lambda: live_lane.beaten > 2)
    await live_lane.close()
    assert live_client.running is not None
    with pytest.raises(Unavailable, match="resume token"):
        await live_client.running
    assert dropped(live_client.account) == {("ingest", "lost"): 1}
    assert is_exact(live_client.account)


async def test_a_lane_that_fails_says_why(live_client: LiveClient, live_lane: LiveLane) -> None:
    live_lane.answers = {"LivePacket": [SessionFailed(problem=Problem("damaged-media", "This is no H.264."))]}
    live_lane.mute = True
    live_client.settle()
    live_client.packets(0)
    assert live_client.running is not None
    with pytest.raises(Rejected, match=r"no H\.264"):
        await live_client.running
    assert is_exact(live_client.account)


async def test_the_bus_going_away_is_no_bug(live_client: LiveClient, live_lane: LiveLane, bus: MemoryBus) -> None:
    live_client.settle()
    await live_client.until(lambda: live_client.told("opened"))
    await live_lane.close()
    bus.down = True
    live_client.packets(0)
    assert live_client.running is not None
    with pytest.raises(Unavailable):
        await live_client.running


async def test_a_gateway_that_stops_says_so_and_goes_on_for_a_while(
    parts: Parts, live_client: LiveClient, live_lane: LiveLane
) -> None:
    object.__setattr__(parts.live, "settings", parts.settings.model_copy(update={"stop_seconds": 1}))
    live_client.settle()
    live_client.packets(0)
    await live_client.until(lambda: live_client.told("frame"))
    parts.live.drain()
    await live_client.until(lambda: any(one.kind == "draining" for one in live_client.told("notice")))
    live_client.packets(1)
    await live_client.until(lambda: len(live_client.told("frame")) == 2)
    assert live_client.running is not None
    with pytest.raises(Unavailable, match="stopped"):
        await live_client.running
    assert live_client.account.delivered == 2
    with pytest.raises(Refusal, match="stopped"):
        await LiveClient(parts).start()


async def test_without_another_lane_a_stream_is_not_taken_from_the_one_that_has_it(
    parts: Parts, live_client: LiveClient, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_client.settle()
    live_client.packets(0)
    await live_client.until(lambda: live_client.told("frame"))
    offers = parts.presence.offers()
    monkeypatch.setattr(parts.presence, "warm_lanes", set)
    monkeypatch.setattr(parts.presence, "offers", lambda: offers)
    other = LiveClient(parts)
    other.settle(resume_token=live_client.told("opened")[0].resume_token)
    assert other.running is not None
    with pytest.raises(Refusal, match="warm"):
        await other.running
    live_client.packets(1)
    assert (await live_client.finish()).delivered == 2


async def test_looks_are_checked_before_a_lane_is_asked(
    live_client: LiveClient, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Look, "asset_ids", ("a" * 32,))
    live_client.settle()
    assert live_client.running is not None
    with pytest.raises((Refusal, Rejected)) as refused:
        await live_client.running
    assert refused.value.code == "unknown-asset"
    assert not live_lane.opened


async def test_another_keys_token_goes_on_with_nothing(parts: Parts, live_lane: LiveLane, ring: KeyRing) -> None:
    parts = asks_for_keys(parts, ring)
    keys = [await ring.add("somebody", [Scope.STREAMS], Quotas(sessions=1)) for _ in range(2)]
    ann, thief = [LiveClient(parts, await parts.access.admit(f"Bearer {key}", Scope.STREAMS)) for key in keys]
    ann.settle()
    ann.packets(0)
    await ann.until(lambda: ann.told("frame"))
    thief.settle(resume_token=ann.told("opened")[0].resume_token)
    thief.packets(0)
    account = await thief.finish()
    assert (thief.told("began")[0].resumed, account.delivered) == (False, 1)
    assert (await ann.finish()).delivered == 1, "nobody took it over"


async def test_whoever_goes_on_has_its_place_back_first(parts: Parts, live_lane: LiveLane, ring: KeyRing) -> None:
    parts = asks_for_keys(parts, ring)
    key = await ring.add("somebody", [Scope.STREAMS], Quotas(sessions=1))
    before, after = [LiveClient(parts, await parts.access.admit(f"Bearer {key}", Scope.STREAMS)) for _ in range(2)]
    before.settle()
    before.packets(0)
    await before.until(lambda: before.told("frame"))
    after.settle(resume_token=before.told("opened")[0].resume_token)
    after.packets(1)
    assert (await after.finish()).delivered == 1
    assert after.told("began")[0].resumed
    with pytest.raises(Refusal, match="resume token"):
        await before.running  # type: ignore[misc]  # it was started


async def test_a_stream_that_asks_for_more_than_its_key_has_is_refused(
    parts: Parts, live_lane: LiveLane, ring: KeyRing
) -> None:
    parts = asks_for_keys(parts, ring)
    key = await ring.add("small", [Scope.STREAMS], Quotas(pixels_per_second=64 * 48 * 29))
    client = LiveClient(parts, await parts.access.admit(f"Bearer {key}", Scope.STREAMS))
    client.settle()
    with pytest.raises(Refusal, match="pixels_per_second"):
        await client.running  # type: ignore[misc]  # it was started
    assert not live_lane.opened


async def test_a_stream_that_is_larger_than_it_said_is_ended(parts: Parts, live_lane: LiveLane, ring: KeyRing) -> None:
    parts = asks_for_keys(parts, ring)
    key = await ring.add("small", [Scope.STREAMS], Quotas(pixels_per_second=64 * 48 * 29))
    client = LiveClient(parts, await parts.access.admit(f"Bearer {key}", Scope.STREAMS))
    shape = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=32, height=48)
    client.settle(input=shape)
    client.packets(0)
    with pytest.raises(Refusal, match="pixels_per_second"):
        await client.running  # type: ignore[misc]  # it was started
    assert is_exact(client.account)


def asks_for_keys(parts: Parts, ring: KeyRing) -> Parts:
    return dataclasses.replace(parts, access=Access(ring, asked=True, cache_seconds=60))
