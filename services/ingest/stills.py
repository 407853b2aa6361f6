"""Stills: a picture comes in over the bus, goes through the lane, and render answers."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from services.ingest.lane import Lane, LaneSession
from services.ingest.messages.decoder import ReadStill
from shared.model.errors import Rejected, Unavailable, VisavisError
from shared.model.jobs import Problem
from shared.model.sessions import (
    BeginSession,
    Chunk,
    OpenSession,
    SessionFailed,
    SessionOpened,
    SessionRefused,
    live_in,
    live_out,
)
from shared.runtime.logs import log, now_about
from shared.runtime.telemetry import sent_ns_of
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.media import Facts
    from shared.transport.bus import Headers, Received

RETRY_AFTER_SECONDS = 0.2
_open = wire.decoder(OpenSession)
_chunk = wire.decoder(Chunk)


class StillService:
    """Takes as many stills at a time as there is room for."""

    def __init__(self, lane: Lane, room: int, max_still_bytes: int) -> None:
        self._lane = lane
        self._most = room
        self._max_still_bytes = max_still_bytes
        self._running: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> int:
        """How many stills more it takes."""
        return self._most - len(self._running)

    async def open(self, received: Received) -> bytes:
        """OpenSession -> SessionOpened | SessionRefused; the answer to the still itself comes from render."""
        received_ns = time.time_ns()
        request: OpenSession = wire.decode(received.body, _open)
        if self.room <= 0:
            return wire.encode(SessionRefused(retry_after_seconds=RETRY_AFTER_SECONDS))
        listening = asyncio.Event()
        task = asyncio.create_task(self._serve(request, received.headers, received_ns, listening))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await listening.wait()
        return wire.encode(SessionOpened(lane=self._lane.name))

    async def finish(self) -> None:
        """Until what is running has come to its end."""
        while self._running:
            await asyncio.wait(tuple(self._running))

    async def close(self) -> None:
        """End what is running."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(self, request: OpenSession, headers: Headers, received_ns: int, listening: asyncio.Event) -> None:
        """See one still through; whoever waits for it is told if that fails."""
        sent_ns = min(received_ns, sent_ns_of(headers, received_ns))
        now_about(request)
        try:
            async with asyncio.timeout(request.deadline_unix_seconds - time.time()):
                with self._lane.telemetry.hop(headers, sent_ns, received_ns, session=request.session):
                    data = await self._whole(request, listening)
                    await self._through_lane(request, data, (received_ns - sent_ns) / 1e6)
        except Rejected as error:
            await self._say(request.session, Problem(error.code, error.detail))
        except VisavisError as error:
            log.warning("still failed", detail=str(error))
            await self._say(request.session, Problem("unavailable", str(error)))
        except TimeoutError:
            log.info("dropped", reason="late")
        finally:
            listening.set()

    async def _through_lane(self, request: OpenSession, data: bytes, waited_ms: float) -> None:
        def begin(facts: Facts) -> BeginSession:
            return BeginSession(
                session=request.session, epoch=self._lane.pool.epoch, want=request.want, look=request.look,
                facts=facts, reply_kind=request.reply_kind, frames=1,
            )  # fmt: skip

        async with LaneSession(self._lane, request.session) as run:
            await run.feed(ReadStill(data), begin, waited_ms, request.models)
            await run.released(until=request.deadline_unix_seconds)

    async def _whole(self, request: OpenSession, listening: asyncio.Event) -> bytes:
        """All the bytes, the first of which came with the request."""
        if request.complete:
            listening.set()
            return request.body
        pieces = [request.body]
        async with self._lane.bus.listen(live_in(request.session)) as chunks:
            listening.set()
            async for piece in _pieces(chunks):
                pieces.append(piece)
                if sum(map(len, pieces)) > self._max_still_bytes:
                    raise Rejected(
                        "too-large", f"The picture has more than {self._max_still_bytes} bytes (max_still_bytes)."
                    )
        return b"".join(pieces)

    async def _say(self, session: str, problem: Problem) -> None:
        message = wire.encode(SessionFailed(problem=problem))
        with suppress(Unavailable):  # without a bus nobody is there to be told
            await self._lane.bus.send(live_out(session), message, self._lane.telemetry.headers())


async def _pieces(chunks: AsyncIterator[Received]) -> AsyncIterator[bytes]:
    async for received in chunks:
        chunk: Chunk = wire.decode(received.body, _chunk)
        yield chunk.body
        if chunk.last:
            return
