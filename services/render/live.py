"""The way out of render for a live session: what its threads tell goes to the gateway, in order."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import Unavailable
from shared.model.live import BEAT_SECONDS, LiveBeat, LiveFinished, LiveFrame
from shared.model.sessions import CHUNK_BYTES, live_out
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.render.past import PastKeeper
    from services.render.session import RenderSession
    from shared.model.live import FramesSkipped, LiveNoticed
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus

    Told = LiveFrame | FramesSkipped | LiveNoticed | LiveBeat | LiveFinished


class LiveOutlet:
    """Sends, in order, what a session's threads tell, from a task of its own."""

    def __init__(self, bus: Bus, telemetry: Telemetry, session: str, keeper: PastKeeper) -> None:
        self._bus, self._telemetry, self._keeper = bus, telemetry, keeper
        self._subject = live_out(session)
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Told] = asyncio.Queue()
        self._sending = asyncio.create_task(self._send())

    def emit(self, told: Told) -> None:
        """Send a message after those before it; from any thread."""
        self._loop.call_soon_threadsafe(self._waiting.put_nowait, told)

    def keep(self, session: RenderSession, *, now: bool = False) -> None:
        """Keep the session's past, now and then."""
        self._keeper.keep(session, now=now)

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
        await self._keeper.close()
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


def _parts(told: Told) -> Iterator[msgspec.Struct]:
    """The message, in as many as the bus takes."""
    if not isinstance(told, LiveFrame) or len(told.body) <= CHUNK_BYTES:
        yield told
        return
    body = told.body
    for start in range(0, len(body), CHUNK_BYTES):
        more = start + CHUNK_BYTES < len(body)
        yield msgspec.structs.replace(told, body=body[start : start + CHUNK_BYTES], more=more)
