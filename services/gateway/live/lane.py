"""A live session's way to its lane: which one takes it, and what is said to it and heard from it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec

from services.gateway.names import new_name
from services.gateway.problems import RETRY_SECONDS, Refusal
from shared.model.errors import Rejected, Unavailable
from shared.model.live import (
    BEAT_SECONDS,
    SILENCE_SECONDS,
    FromLane,
    LiveBeat,
    LiveEnded,
    LiveFinished,
    LiveOpened,
    LivePacket,
    open_subject,
)
from shared.model.sessions import CHUNK_BYTES, SessionFailed, SessionRefused, live_in, live_out
from shared.runtime.logs import log
from shared.runtime.telemetry import SENT_HEADER
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.live import OpenLive, ToLane
    from shared.runtime.presence import Presence
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus, Received

OPEN_SECONDS = 2.0

_opened = wire.decoder(LiveOpened | SessionRefused)
_from_lane = wire.decoder(FromLane | SessionFailed)


class LaneLink:
    """A session that a lane has taken."""

    def __init__(self, bus: Bus, session: str, lane: str, heard: AsyncIterator[Received]) -> None:
        self.session = session
        self.lane = lane
        self.finished = False
        """Whether the lane has seen the session to its end."""
        self.failed = False
        """Whether the lane has said that it gave the session up."""
        self._bus = bus
        self._heard = heard
        self._last = time.monotonic()

    async def say(self, message: ToLane) -> None:
        """Tell the lane. Raises Unavailable if the bus is away."""
        sent = {SENT_HEADER: str(time.time_ns())}
        await self._bus.send(live_in(self.session), wire.encode(message), sent)

    async def feed(self, packet: LivePacket) -> None:
        """A packet, in pieces that the bus takes."""
        for start in range(0, max(1, len(packet.body)), CHUNK_BYTES):
            end = start + CHUNK_BYTES
            piece = msgspec.structs.replace(packet, body=packet.body[start:end], more=end < len(packet.body))
            await self.say(piece)

    async def heard(self) -> AsyncIterator[tuple[FromLane, Received]]:
        """What the lane says, until it has finished. Raises Rejected or Unavailable if it failed."""
        async for received in self._heard:
            self._last = time.monotonic()
            message: Any = wire.decode(received.body, _from_lane)
            match message:
                case LiveBeat():
                    continue
                case LiveFinished():
                    self.finished = True
                    return
                case SessionFailed():
                    self.failed = True
                    raise _failure(message)
            yield message, received

    async def beat(self) -> None:
        """Tell the lane again and again that somebody is here. Raises Unavailable when it is silent for too long."""
        while time.monotonic() - self._last < SILENCE_SECONDS:
            await self.say(LiveBeat())
            await asyncio.sleep(BEAT_SECONDS)
        raise Unavailable("The lane that worked on the stream is gone: come back with the resume token.")


@asynccontextmanager
async def opened(
    bus: Bus, telemetry: Telemetry, presence: Presence, wanted: OpenLive, *, but: str = ""
) -> AsyncIterator[LaneLink]:
    """The session in the lane with the most room that takes it; `wanted.session` is set here. but: a lane to ask last.

    When the block ends before the lane has finished, the lane is told that nobody waits.
    Raises Refusal `unavailable` where no lane is warm, and `no-room` where none takes it.
    """
    refuse_without_lanes(presence)
    lanes = by_room(presence)
    lanes.sort(key=lambda lane: lane == but)
    wait_seconds = []
    for lane in lanes:
        asked = msgspec.structs.replace(wanted, session=new_name())
        async with bus.listen(live_out(asked.session), asking=True) as heard:
            refused = await _ask(bus, telemetry, lane, asked)
            if refused is not None:
                wait_seconds.append(refused)
                continue
            link = LaneLink(bus, asked.session, lane, heard)
            try:
                yield link
            finally:
                if not link.finished:  # also after a failure: which part of the lane has failed is not known here
                    await abandon(bus, asked.session)
            return
    wait = f"{max(RETRY_SECONDS, min(wait_seconds)):g}"
    detail = (
        f"No lane has room for the stream; {len(lanes)} {'was' if len(lanes) == 1 else 'were'} asked. Come back in "
        f"{wait} s: a smaller picture or fewer frames a second need less room, and another lane brings more."
    )
    raise Refusal("no-room", detail, headers={"Retry-After": wait})


def refuse_without_lanes(presence: Presence) -> None:
    """Raises Refusal `unavailable` where no lane is warm, or all of them are being stopped."""
    if not presence.warm_lanes():
        detail = "No lane has ingest, detect and render warm."
        raise Refusal("unavailable", detail, headers={"Retry-After": f"{RETRY_SECONDS:.0f}"})


def by_room(presence: Presence) -> list[str]:
    """Lanes that are warm, the one with the most room for live work first."""
    warm = presence.warm_lanes()
    room: dict[str, tuple[float, int]] = {}
    for worker in presence.workers():
        if worker.service == "ingest" and worker.lane in warm:
            room[worker.lane] = max(room.get(worker.lane, (0.0, 0)), (worker.pixels_per_second, worker.room))
    return sorted(room, key=lambda lane: room[lane], reverse=True)


async def abandon(bus: Bus, session: str) -> None:
    """Nobody waits for the session any more."""
    with suppress(Unavailable):  # the lane will notice by the silence
        await bus.send(live_in(session), wire.encode(LiveEnded(abandoned=True)))


async def _ask(bus: Bus, telemetry: Telemetry, lane: str, wanted: OpenLive) -> float | None:
    """None if the lane takes the session, else after how many seconds it may be asked again."""
    try:
        answer = await bus.request(open_subject(lane), wire.encode(wanted), telemetry.headers(), OPEN_SECONDS)
    except (Unavailable, asyncio.CancelledError) as error:
        await abandon(bus, wanted.session)  # the lane may have taken it, and have been too slow to say so
        if isinstance(error, asyncio.CancelledError):
            raise
        log.warning("a lane did not answer", asked=lane, detail=str(error))
        return RETRY_SECONDS
    reply = wire.decode(answer, _opened)
    return None if isinstance(reply, LiveOpened) else reply.retry_after_seconds


def _failure(message: SessionFailed) -> Rejected | Unavailable:
    problem = message.problem
    return Unavailable(problem.detail) if problem.code == "unavailable" else Rejected(problem.code, problem.detail)
