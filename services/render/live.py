"""The ways out of render for a live session: its frames to the gateway, its past to where another may go on from it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from services.render.session import SessionState
from shared.model.errors import Malformed, Unavailable
from shared.model.live import BEAT_SECONDS, LiveBeat, LiveFinished, LiveFrame, context_subject
from shared.model.sessions import CHUNK_BYTES, live_out
from shared.runtime.telemetry import log
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.live import FramesSkipped, LiveNoticed
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus

    Told = LiveFrame | FramesSkipped | LiveNoticed | LiveBeat | LiveFinished

KEEP_SECONDS = 1.0
"""A session's past is kept so often."""
PAST_SECONDS = 1.0
"""What the bus may take to give it back: who begins a session waits two seconds for an answer."""
_state = wire.decoder(SessionState)


class LiveOutlet:
    """Sends, in order, what a session's threads tell, from a task of its own."""

    def __init__(self, bus: Bus, telemetry: Telemetry, session: str, context: str) -> None:
        self._bus, self._telemetry = bus, telemetry
        self._subject, self._context = live_out(session), context
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Told] = asyncio.Queue()
        self._sending = asyncio.create_task(self._send())
        self._kept = 0.0
        self._keeping: asyncio.Task[None] | None = None

    def emit(self, told: Told) -> None:
        """Send a message after those before it; from any thread."""
        self._loop.call_soon_threadsafe(self._waiting.put_nowait, told)

    def keep(self, state: SessionState, *, now: bool = False) -> None:
        """Keep a session's past, now and then."""
        if now or (time.monotonic() - self._kept >= KEEP_SECONDS and (self._keeping is None or self._keeping.done())):
            self._kept = time.monotonic()
            self._keeping = asyncio.create_task(self._keep(state))

    async def beat(self) -> None:
        """Say again and again that the session is worked on, until cancelled."""
        while True:
            self.emit(LiveBeat())
            await asyncio.sleep(BEAT_SECONDS)

    async def finish(self) -> None:
        """Say that the session is over, when all before is sent."""
        self.emit(LiveFinished())
        await asyncio.sleep(0)  # what other threads emitted is in the queue from here on
        await self._waiting.join()
        await self.close()

    async def close(self) -> None:
        """Send nothing more."""
        if self._keeping is not None:
            await asyncio.wait((self._keeping,))
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            told = await self._waiting.get()
            headers = self._telemetry.headers(sampled=False)
            with suppress(Unavailable):  # while the bus is away it is lost, and the account says so
                for part in _parts(told):
                    await self._bus.send(self._subject, wire.encode(part), headers)
            self._waiting.task_done()

    async def _keep(self, state: SessionState) -> None:
        with suppress(Unavailable):  # a past that is not kept is a new beginning, no error
            await self._bus.publish(context_subject(self._context), wire.encode(state))


async def past(bus: Bus, context: str) -> SessionState | None:
    """What is kept of a session under that name; None if nothing is, or nothing that can be read."""
    try:
        async with asyncio.timeout(PAST_SECONDS):
            kept = await bus.last(context_subject(context))
        return None if kept is None else wire.decode(kept, _state).taken_up()
    except (Unavailable, Malformed, TimeoutError) as error:
        log.warning("no past to go on from", detail=str(error) or "The bus does not answer in time.")
        return None


def _parts(told: Told) -> Iterator[msgspec.Struct]:
    """The message, in as many as the bus takes."""
    if not isinstance(told, LiveFrame) or len(told.body) <= CHUNK_BYTES:
        yield told
        return
    body = told.body
    for start in range(0, len(body), CHUNK_BYTES):
        more = start + CHUNK_BYTES < len(body)
        yield msgspec.structs.replace(told, body=body[start : start + CHUNK_BYTES], more=more)
