"""One live session through a lane: real decoders, a real pool, the in-memory bus, and render's side played here."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from services.ingest.decoders.making import Decoders
from services.ingest.limits import IngestLimits
from services.ingest.live import run as live_run
from services.ingest.live import window
from services.ingest.live.room import Room
from services.ingest.live.service import LiveService
from services.ingest.live.window import MOST
from services.ingest.sources.rules import SourceRules
from shared.model.effects import FaceCover
from shared.model.frames import CapturedFrame, FramesEnded
from shared.model.jobs import Problem
from shared.model.live import (
    FlowChanged,
    FramesSkipped,
    FromLane,
    HlsOutput,
    KeyFrameAwaited,
    KeyFrameWanted,
    LiveBeat,
    LiveBegan,
    LiveCodec,
    LiveEnded,
    LiveFinished,
    LiveNoticed,
    LiveOpened,
    LivePacket,
    LiveSettings,
    LookPrepared,
    LookRefused,
    LookWanted,
    OpenLive,
    OutputsWanted,
    Place,
    PrepareLook,
    Reason,
    look_subject,
)
from shared.model.looks import Look
from shared.model.sessions import SessionFailed, SessionRefused, live_in, live_out
from shared.runtime.telemetry import ask_for_every_frame
from shared.testing import MemoryMessage
from shared.transport import wire
from tests.unit.services.ingest.coded import asked, coded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.transport.bus import Received

LOOK = Look(smooth=0.5)
PATIENT_MS = 60_000
"""A busy machine, which stands still for a moment, must not make a frame late that a test waits for."""
_said = wire.decoder(FromLane | SessionFailed)


class Client:
    """The gateway's end of a session."""

    def __init__(self, rig: Any, service: LiveService, codec: LiveCodec) -> None:
        self.rig, self.service, self.codec = rig, service, codec
        self.said: list[Any] = []
        self.sent = 0
        self.unfit: Problem | None = None
        self.headers: dict[str, str] = {}
        self._packets = coded(codec, 60)

    async def open(self, **wanted: Any) -> LiveOpened | SessionRefused:
        settings = LiveSettings(input=asked(self.codec), look=LOOK, **({"max_delay_ms": PATIENT_MS} | wanted))
        request = OpenLive(session="s", settings=settings, context="c")
        answer = await self.service.open(MemoryMessage("", wire.encode(request), self.headers))
        return wire.decode(answer, wire.decoder(LiveOpened | SessionRefused))

    async def say(self, message: Any) -> None:
        await self.rig.bus.send(live_in("s"), wire.encode(message))

    async def send(self, count: int, arrived_ns: int | None = None) -> None:
        for _ in range(count):
            one = self._packets[self.sent]
            packet = LivePacket(
                number=self.sent, pts=one.pts, key=one.key, arrived_ns=arrived_ns or time.time_ns(), body=one.body
            )
            await self.say(packet)
            self.sent += 1

    async def frames(self, count: int) -> list[CapturedFrame]:
        """Wait until detect was told of so many."""
        await self.rig.until(lambda: len(self.told) >= count)
        return self.told

    @property
    def told(self) -> list[CapturedFrame]:
        return [frame for message in self.rig.render.taken for frame in message.frames]

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.said if isinstance(one, kind)]

    @property
    def skipped(self) -> dict[int, tuple[Place, Reason | None]]:
        return {number: (one.place, one.reason) for one in self.of(FramesSkipped) for number in one.numbers}

    async def over(self) -> None:
        await self.rig.until(lambda: not self.service.sessions)

    async def listen(self) -> None:
        async with self.rig.bus.listen(live_out("s")) as messages:
            async for received in messages:
                self.said.append(wire.decode(received.body, _said))

    async def prepare(self, received: Received) -> bytes:
        request = wire.decode(received.body, wire.decoder(PrepareLook))
        if self.unfit is not None:
            return wire.encode(LookRefused(change=request.change, problem=self.unfit))
        return wire.encode(LookPrepared())


@asynccontextmanager
async def connected(rig: Any, codec: LiveCodec = LiveCodec.H264) -> AsyncIterator[Client]:
    decoders = Decoders(rig.pool.fd, IngestLimits(), 1)
    rig.decode_live = decoders.decode_live
    await decoders.start()
    service = LiveService(rig.lane, Room(2), SourceRules())
    client = Client(rig, service, codec)
    listening = asyncio.create_task(client.listen())
    try:
        async with rig.bus.answer(look_subject("local", "w"), "w", client.prepare):
            yield client
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await service.close()
        await decoders.close()
    assert rig.in_use() == 0


async def test_frames_go_to_detect_as_they_come_and_the_end_is_told_to_their_owner(rig: Any) -> None:
    async with connected(rig) as client:
        assert await client.open(max_delay_ms=20_000) == LiveOpened(lane="local")
        for number in range(5):
            await client.send(1)
            await client.frames(number + 1)
        await client.say(LiveEnded())
        await client.over()
        await rig.until(lambda: rig.render.announced)
        assert rig.render.announced == [FramesEnded("local", "s", "w", 5)]
        marks = [frame.live for frame in client.told]
        assert [(mark.number, mark.look, mark.key) for mark in marks if mark] == [(n, 0, False) for n in range(5)]
        assert all(mark.deadline_ns - mark.arrived_ns == 20_000_000_000 for mark in marks if mark)
        assert [frame.sequence for frame in client.told] == list(range(5))
        assert (client.of(LiveBegan)[0].facts.geometry.width, client.skipped) == (64, {})


@pytest.mark.parametrize(("every_frame", "traced"), [(False, [0, 32]), (True, list(range(34)))])
async def test_some_frames_have_spans_and_all_where_that_was_asked_for(
    rig: Any, every_frame: bool, traced: list[int]
) -> None:
    async with connected(rig) as client:
        with rig.telemetry.span("gateway"):
            if every_frame:
                ask_for_every_frame()
            client.headers = rig.telemetry.headers()
        await client.open()
        for number in range(34):
            await client.send(1)
            await client.frames(number + 1)
        await client.say(LiveEnded())
        await client.over()
    spans = rig.spans()
    decoded = [span for span in spans if span.name == "decode"]
    assert [span.attributes[0].value.int_value for span in decoded] == traced
    [wait], [work] = ([span for span in spans if span.name == name] for name in ("ingest.wait", "ingest"))
    assert wait.end_time_unix_nano == work.start_time_unix_nano
    assert {span.parent_span_id for span in decoded} == {work.span_id}


async def test_jobs_stand_back_from_the_first_packet_of_a_session_to_its_end(rig: Any) -> None:
    async with connected(rig) as client:
        assert not rig.lane.live
        await client.open()
        assert rig.lane.live == {"s"}
        await client.say(LiveEnded())
        await client.over()
        assert not rig.lane.live


async def test_a_full_lane_refuses_another_session_until_one_ends(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        client.service._room._promised["other"] = 1e12
        assert isinstance(await client.open(), SessionRefused)
        await client.say(LiveEnded())
        await client.over()
        client.service._room.give_back("other")
        assert isinstance(await client.open(), LiveOpened)


async def test_when_render_does_not_keep_up_the_oldest_frames_are_dropped_and_the_newest_drawn(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "START_SECONDS", 0.0)
    rig.render.draws = False
    async with connected(rig, LiveCodec.I420) as client:
        await client.open()
        await client.send(1)
        await client.frames(1)
        await client.send(30)
        await rig.until(lambda: len(client.skipped) == 30 - (MOST - 1) - 2)
        assert set(client.skipped.values()) == {(Place.INGEST, Reason.OVERLOAD)}
        assert [one.kind for one in client.of(LiveNoticed)] == ["degraded"]
        assert rig.lane.pressed == {"s"}
        rig.render.draws = True
        for message in rig.render.taken:
            rig.render.release(message)
        told = await client.frames(MOST + 2)
        assert [frame.live.number for frame in told if frame.live][-2:] == [29, 30]
        await client.say(LiveEnded())
        await client.over()
        numbers = {frame.live.number for frame in client.told if frame.live} | client.skipped.keys()
        assert numbers == set(range(31))
        assert not rig.lane.pressed


async def test_frames_that_a_pausing_or_slow_client_does_not_want_are_counted_as_such(rig: Any) -> None:
    async with connected(rig, LiveCodec.I420) as client:
        await client.open()
        await client.send(1)
        await client.frames(1)
        for flow, reason in (
            (FlowChanged(paused=True, held=False), Reason.PAUSED),
            (FlowChanged(paused=False, held=True), Reason.SLOW_READER),
        ):
            first = client.sent
            await client.say(flow)
            await client.send(20)
            await rig.until(lambda first=first: sum(number >= first for number in client.skipped) > 5)
            assert {why for number, (_, why) in client.skipped.items() if number >= first} == {reason}
        await client.say(LiveEnded())
        await client.over()


@pytest.mark.parametrize("codec", [LiveCodec.I420, LiveCodec.H264])
async def test_no_frame_comes_of_what_was_sent_in_a_pause_neither_meanwhile_nor_later(
    rig: Any, codec: LiveCodec
) -> None:
    async with connected(rig, codec) as client:
        await client.open()
        await client.send(1)
        await client.frames(1)
        await client.say(FlowChanged(paused=True, held=False))
        await client.send(10)
        await rig.until(lambda: len(client.skipped) >= 8)
        await client.say(FlowChanged(paused=False, held=False))
        await client.send(1)
        await client.frames(2)
        await client.say(FlowChanged(paused=True, held=False))
        await client.send(2)
        await client.say(LiveEnded())
        await client.over()
        assert [frame.live.number for frame in client.told if frame.live] == [0, 11]
        assert client.skipped == dict.fromkeys((*range(1, 11), 12, 13), (Place.INGEST, Reason.PAUSED))


async def test_packets_that_are_too_old_are_not_decoded_and_a_key_frame_is_asked_for(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        await client.send(1)
        await client.frames(1)
        await client.send(1, arrived_ns=1)
        await rig.until(lambda: client.of(KeyFrameAwaited) and client.skipped)
        assert client.skipped == {1: (Place.INGEST, Reason.LATE)}
        assert client.of(KeyFrameAwaited) == [KeyFrameAwaited(after=1)]
        await client.say(LiveEnded())
        await client.over()


async def test_a_packet_that_cannot_be_decoded_has_failed_and_the_stream_goes_on(rig: Any) -> None:
    async with connected(rig, LiveCodec.NV12) as client:
        await client.open()
        await client.send(1)
        await client.say(LivePacket(number=1, pts=40, key=True, arrived_ns=time.time_ns(), body=b"?"))
        client.sent = 2
        await client.send(1)
        told = await client.frames(2)
        await rig.until(lambda: client.skipped)
        assert ([f.live.number for f in told if f.live], client.skipped) == ([0, 2], {1: (Place.INGEST, None)})


async def test_another_look_holds_from_a_frame_on_that_render_has_prepared_it_for(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        await client.send(1)
        await client.frames(1)
        await client.say(LookWanted(look=Look(face_cover=FaceCover()), change=1))
        while client.told[-1].live and client.told[-1].live.look == 0:
            seen = len(client.told)
            await client.send(1)
            await client.frames(seen + 1)
        assert (rig.render.taken[0].watchful, rig.render.taken[-1].watchful) == (False, True)
        client.unfit = Problem("unknown-asset", "no")
        await client.say(LookWanted(look=Look(smooth=1.0), change=2))
        await rig.until(lambda: client.of(LookRefused))
        await client.send(1)
        told = await client.frames(len(client.told) + 1)
        assert told[-1].live
        assert told[-1].live.look == 1


async def test_a_key_frame_is_wanted_once(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        await client.send(1)
        await client.frames(1)
        await client.say(KeyFrameWanted())
        await client.send(2)
        told = await client.frames(3)
        assert [frame.live.key for frame in told if frame.live] == [False, True, False]


async def test_whose_lane_drains_is_told_once_and_served_until_he_leaves(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        await client.send(2)
        await client.frames(1)
        draining = asyncio.create_task(client.service.drain())
        await rig.until(lambda: client.of(LiveNoticed))
        await client.send(2)
        await client.frames(3)
        assert not draining.done()
        await client.say(LiveEnded(abandoned=True))
        await draining
        assert [one.kind for one in client.of(LiveNoticed)] == ["draining"]


async def test_who_abandons_a_session_leaves_nothing_and_hears_nothing(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        await client.send(3)
        await client.frames(1)
        await client.say(LiveEnded(abandoned=True))
        await client.over()
        assert rig.render.ended == ["s"]
        assert not client.of(LiveFinished) + client.of(SessionFailed)


async def test_a_session_whose_gateway_falls_silent_ends(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_run, "SILENCE_SECONDS", 0.3)
    async with connected(rig) as client:
        await client.open()
        await client.send(1)
        await client.over()
        assert client.of(LiveBeat)


async def test_a_session_without_a_frame_is_finished_all_the_same(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        await client.say(LiveEnded())
        await client.over()
        await rig.until(lambda: client.of(LiveFinished))


async def test_when_render_dies_the_client_is_told(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        await client.send(1)
        await client.frames(1)
        rig.render.reader.close()
        await client.over()
        await rig.until(lambda: client.of(SessionFailed))
        assert client.of(SessionFailed)[0].problem.code == "unavailable"


async def test_a_stream_at_fault_is_told_its_fault(rig: Any) -> None:
    async with connected(rig) as client:
        settings = LiveSettings(input=asked(LiveCodec.H264, (8192, 8192)), look=LOOK)
        request = OpenLive(session="s", settings=settings, context="c")
        with rig.telemetry.span("gateway"):
            headers = rig.telemetry.headers()
        await client.service.open(MemoryMessage("", wire.encode(request), headers))
        await rig.until(lambda: client.of(SessionFailed))
        assert client.of(SessionFailed)[0].problem.code == "too-large"
    assert [span.status.message for span in rig.spans() if span.name == "ingest"] == ["too-large"]


async def test_a_stream_that_finds_the_pool_full_begins_when_a_slot_comes_back(rig: Any) -> None:
    async with connected(rig) as client:
        size = rig.pool.ledger.largest
        taken = [rig.pool.lease(size, "other") for _ in range(8)]
        await client.open()
        await client.send(3)
        await rig.until(lambda: client.of(LiveBegan))
        await asyncio.sleep(0.05)
        assert client.told == []
        for slot in taken:
            rig.pool.abandon(slot)
        await client.frames(1)


async def test_outputs_that_are_wanted_before_the_first_frame_are_those_that_render_hears_of(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        await client.say(OutputsWanted(outputs=(HlsOutput(),)))
        await client.send(1)
        await client.frames(1)
        assert rig.render.begun[0].outputs == (HlsOutput(),)


async def test_of_looks_that_come_at_once_the_newest_is_drawn_by(rig: Any) -> None:
    async with connected(rig) as client:
        await client.open()
        for change in range(1, 50):
            await client.say(LookWanted(look=Look(smooth=change / 100), change=change))
        await client.send(1)
        await client.frames(1)
        while client.told[-1].live and client.told[-1].live.look != 49:
            seen = len(client.told)
            await client.send(1)
            await client.frames(seen + 1)
        assert {frame.live.look for frame in client.told if frame.live} <= {0, 49}


async def test_a_bug_ends_a_session_with_a_word_that_tells_nothing_of_it(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    async with connected(rig) as client:
        monkeypatch.setattr("services.ingest.live.pump.LivePump.seal", broken)
        await client.open()
        await client.send(1)
        await rig.until(lambda: client.of(SessionFailed))
        [failed] = client.of(SessionFailed)
        assert failed.problem.code == "internal"
        assert "secret" not in failed.problem.detail


async def test_a_source_that_is_fetched_takes_room_too(rig: Any) -> None:
    async with connected(rig) as client:
        client.service._room._promised["other"] = 1e12
        settings = LiveSettings(input=None, look=LOOK)
        request = OpenLive(session="s", settings=settings, context="c", source="rtmp://host/app/name")
        answer = await client.service.open(MemoryMessage("", wire.encode(request), {}))
        assert isinstance(wire.decode(answer, wire.decoder(LiveOpened | SessionRefused)), SessionRefused)
