"""Both ends of a live stream: a client without a protocol, and a lane without faces."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.access import ANYBODY
from services.gateway.live.call import LiveCall
from shared.model.hops import Hop
from shared.model.live import (
    FlowChanged,
    FramesSkipped,
    FromLane,
    KeyFrameWanted,
    LiveBeat,
    LiveBegan,
    LiveEnded,
    LiveFinished,
    LiveFrame,
    LiveOpened,
    LivePacket,
    LookWanted,
    OpenLive,
    Place,
    Reason,
    ToLane,
)
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.model.sessions import CHUNK_BYTES, SessionFailed, SessionRefused, live_in, live_out
from shared.runtime.telemetry import SENT_HEADER
from shared.transport import wire
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.gateway.access import Caller
    from services.gateway.parts import Parts
    from shared.testing import MemoryBus
    from shared.transport.bus import Received

FACTS = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 90_000), frame_rate=(30, 1)
)
HOPS = (Hop("ingest", 0.5, 2.5), Hop("detect", 0.25, 9.0), Hop("render", 0.75, 4.0))
_to_lane = wire.decoder(ToLane)
SILENCE_SECONDS = 2.5
PATIENT_MS = 20_000


@dataclass
class LiveLane:
    """Takes live sessions and sends each packet back as a frame, or as the test says."""

    bus: MemoryBus
    name: str = "test"
    refused: bool = False
    """It has no room."""
    mute: bool = False
    """Takes packets and says nothing of them."""
    beats: bool = True
    finishes: bool = True
    fates: dict[int, tuple[Place, Reason | None]] = field(default_factory=dict)
    """What becomes of packets by their number, instead of a frame."""
    answers: dict[str, list[FromLane | SessionFailed]] = field(default_factory=dict)
    """What it says besides, by the name of the message that it answers."""
    mends: int = 0
    """By so much it moves the times of frames, as a lane does where a client's times jump."""
    key_every: int = 10
    frame: bytes = b""
    """The body of every frame; empty: that of its packet."""
    opened: list[OpenLive] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """Of the last that was opened."""
    heard: list[ToLane] = field(default_factory=list)
    """All but beats."""
    beaten: int = 0
    """Beats."""
    pasts: set[str] = field(default_factory=set)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def open(self, received: Received) -> bytes:
        """OpenLive -> LiveOpened | SessionRefused."""
        wanted = wire.decode(received.body, wire.decoder(OpenLive))
        if self.refused:
            return wire.encode(SessionRefused(retry_after_seconds=3.0))
        self.opened.append(wanted)
        self.headers = dict(received.headers)
        listening = asyncio.Event()
        self.tasks[wanted.session] = asyncio.create_task(_Session(self, wanted).run(listening))
        await listening.wait()
        return wire.encode(LiveOpened(lane=self.name))

    async def say(self, message: FromLane | SessionFailed, session: str = "") -> None:
        """To the gateway; session: the last one."""
        subject = live_out(session or self.opened[-1].session)
        await self.bus.send(subject, wire.encode(message), {SENT_HEADER: str(time.time_ns())})

    def said(self, kind: type[Any]) -> list[Any]:
        """What it was told of a kind."""
        return [one for one in self.heard if isinstance(one, kind)]

    async def close(self) -> None:
        """Die, without a word."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


class _Session:
    def __init__(self, lane: LiveLane, wanted: OpenLive) -> None:
        self.lane = lane
        self.wanted = wanted
        self.body = b""
        self.look = 0
        self.key = True
        self.held = False

    async def run(self, listening: asyncio.Event) -> None:
        name = self.wanted.session
        async with self.lane.bus.listen(live_in(name)) as heard, asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(self._beat())
            listening.set()
            async for received in _until_silent(heard):
                message = wire.decode(received.body, _to_lane)
                if isinstance(message, LiveBeat):
                    self.lane.beaten += 1
                    continue
                self.lane.heard.append(message)
                for answer in self.lane.answers.get(type(message).__name__, ()):
                    await self._say(answer)
                if await self._ends(message):
                    break
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            if self.lane.beats:
                await self._say(LiveBeat())
            await asyncio.sleep(0.05)

    async def _ends(self, message: ToLane) -> bool:
        match message:
            case LivePacket():
                await self._packet(message)
            case LookWanted():
                self.look = message.change
            case KeyFrameWanted():
                self.key = True
            case FlowChanged():
                self.held = message.held
            case LiveEnded(abandoned=True):
                return True
            case LiveEnded() if self.lane.finishes:
                await self._say(LiveFinished())
                return True
        return False

    async def _packet(self, packet: LivePacket) -> None:
        self.body += packet.body
        if packet.more:
            return
        body, self.body = self.body, b""
        if self.lane.mute:
            return
        if packet.number == 0:
            resumed = self.wanted.resume and self.wanted.context in self.lane.pasts
            self.lane.pasts.add(self.wanted.context)
            await self._say(LiveBegan(facts=FACTS, resumed=resumed))
        fate = (Place.INGEST, Reason.OVERLOAD) if self.held else self.lane.fates.get(packet.number)
        if fate is not None:
            await self._say(FramesSkipped(numbers=(packet.number,), place=fate[0], reason=fate[1]))
        else:
            await self._frame(packet, self.lane.frame or body)

    async def _frame(self, packet: LivePacket, body: bytes) -> None:
        key, self.key = self.key or packet.number % self.lane.key_every == 0, False
        for start in range(0, len(body), CHUNK_BYTES):
            end = start + CHUNK_BYTES
            part = LiveFrame(
                number=packet.number,
                pts=packet.pts + self.lane.mends,
                dts=packet.pts + self.lane.mends - 1,
                key=key,
                look=self.look,
                body=body[start:end],
                more=end < len(body),
                hops=HOPS,
                arrived_ns=packet.arrived_ns,
                header=b"head" if packet.number == 0 else b"",
            )
            await self._say(part)

    async def _say(self, message: FromLane | SessionFailed) -> None:
        await self.lane.say(message, self.wanted.session)


async def _until_silent(heard: AsyncIterator[Received]) -> AsyncIterator[Received]:
    """As a lane does that nobody speaks to: it may have been asked by someone who is gone."""
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                received = await anext(heard)
            yield received


class LiveClient:
    """A client of a live stream without a protocol: says what the test wants, and takes as fast as the test wants."""

    def __init__(self, parts: Parts, caller: Caller = ANYBODY) -> None:
        self.heard: list[streams_pb2.ServerMessage] = []
        self.takes = asyncio.Event()
        """Unset: it does not take what it is sent."""
        self.takes.set()
        self.call = LiveCall(parts.live, self._said(), self._send, "0" * 32, caller)
        self._messages: asyncio.Queue[streams_pb2.ClientMessage | None] = asyncio.Queue()
        self.running: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin the stream."""
        self.running = asyncio.create_task(self.call.run())
        return self.running

    def say(self, **message: Any) -> None:
        """Send a message."""
        self._messages.put_nowait(streams_pb2.ClientMessage(**message))

    def settle(self, **changed: Any) -> None:
        """Begin the stream, with usual settings."""
        self.say(settings=live_settings(**changed))
        self.start()

    def packets(self, *pts: int, data: bytes = b"packet") -> None:
        """Send packets."""
        for one in pts:
            self.say(packet=streams_pb2.Packet(pts=one, key=one == 0, data=data))

    def told(self, kind: str) -> list[Any]:
        """What it was told of a kind."""
        return [getattr(one, kind) for one in self.heard if one.WhichOneof("message") == kind]

    async def until(self, true: Callable[[], Any]) -> None:
        """Wait until something is true; fails when the stream ends before."""
        while not true():
            await asyncio.sleep(0.01)
            if self.running is not None and self.running.done() and not true():
                await self.running
                pytest.fail("The stream ended before.")

    def end(self) -> None:
        """No packet follows."""
        self._messages.put_nowait(None)

    async def finish(self) -> streams_pb2.Account:
        """End, and wait for the account."""
        self.end()
        assert self.running is not None
        await self.running
        return self.account

    @property
    def account(self) -> streams_pb2.Account:
        """The last that it heard."""
        assert self.heard[-1].WhichOneof("message") == "account"
        return self.heard[-1].account

    async def close(self) -> None:
        """Go away, whatever is under way."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)

    async def _said(self) -> AsyncIterator[streams_pb2.ClientMessage]:
        while (message := await self._messages.get()) is not None:
            yield message

    async def _send(self, message: streams_pb2.ServerMessage) -> None:
        await self.takes.wait()
        self.heard.append(message)


def live_settings(**changed: Any) -> streams_pb2.StreamSettings:
    """What most tests want: nothing is dropped because the machine was slow. What is about being late says when."""
    shape = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=64, height=48)
    usual = {"input": shape, "look_name": "none", "max_delay_ms": PATIENT_MS}
    return streams_pb2.StreamSettings(**(usual | changed))


def dropped(account: streams_pb2.Account) -> dict[tuple[str, str], int]:
    """By place and reason."""
    return {(one.place, one.reason): one.count for one in account.dropped}


def is_exact(account: streams_pb2.Account) -> bool:
    """Whether nothing is missing from an account."""
    settled: int = account.delivered + account.failed + sum(one.count for one in account.dropped)
    return account.received == settled
