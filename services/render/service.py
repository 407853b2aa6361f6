"""Render's shell: owns sessions, feeds them the frames that come, hands on what they make."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.render.session import RenderSession
from services.render.sinks import FacesSink, StillSink, VideoSink
from shared.model.errors import Late
from shared.model.frames import ForRender, FramesEnded
from shared.model.hops import Hop, summarise
from shared.model.jobs import JobProgressed, Problem, SegmentDone, SegmentFailed, Want, part_key
from shared.model.media import VideoFacts
from shared.model.sessions import (
    CHUNK_BYTES,
    BeginSession,
    Chunk,
    EndSession,
    SessionBegun,
    SessionEnded,
    SessionFailed,
    SessionRefused,
    StillFinished,
    live_out,
)
from shared.runtime.telemetry import log
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.settings import RenderSettings
    from shared.memory.reader import HostReader
    from shared.runtime.stage import Passage, Publishable
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus, Received
    from shared.transport.store import ObjectStore

HOPS_KEPT = 4096
PROGRESS_SECONDS = 0.5
_begin = wire.decoder(BeginSession)
_end = wire.decoder(EndSession)


@dataclass(slots=True)
class _Owned:
    """A session and what the shell must know of it."""

    begun: BeginSession
    sink: VideoSink | FacesSink | StillSink
    session: RenderSession
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    hops: deque[Hop] = field(default_factory=lambda: deque(maxlen=HOPS_KEPT))
    touched: float = field(default_factory=time.monotonic)
    told: float = 0.0


class RenderService:
    """The sessions of one render worker."""

    def __init__(
        self, settings: RenderSettings, bus: Bus, store: ObjectStore, reader: HostReader, telemetry: Telemetry
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._store = store
        self._reader = reader
        self._telemetry = telemetry
        self._sessions: dict[str, _Owned] = {}

    @property
    def room(self) -> int:
        """How many sessions more it takes."""
        return self._settings.render_sessions - len(self._sessions)

    async def begin(self, received: Received) -> bytes:
        """BeginSession -> SessionBegun | SessionRefused. A newer attempt at a segment replaces the older one."""
        request: BeginSession = wire.decode(received.body, _begin)
        for name, owned in list(self._sessions.items()):
            if request.job and (owned.begun.job, owned.begun.segment) == (request.job, request.segment):
                await self._drop(name)
        if self.room <= 0:
            return wire.encode(SessionRefused(retry_after_seconds=1.0))
        self._reader.follow(request.epoch)
        sink = self._sink(request)
        session = RenderSession(request.look, sink)
        session.frames_total = request.frames
        self._sessions[request.session] = _Owned(request, sink, session)
        return wire.encode(SessionBegun(worker=self._settings.worker, row=self._reader.row))

    async def end(self, received: Received) -> bytes:
        """EndSession -> SessionEnded, once nothing here touches the session's frames any more."""
        request: EndSession = wire.decode(received.body, _end)
        await self._drop(request.session)
        return wire.encode(SessionEnded(session=request.session))

    async def draw(self, passage: Passage[ForRender]) -> Sequence[Publishable]:
        """Draw what has come; the answer is progress, or the end of a segment."""
        message = passage.message
        owned = self._sessions.get(message.session)
        if owned is None:
            raise Late("The session is over.")
        async with owned.lock:
            owned.touched = time.monotonic()
            advanced = False
            try:
                results = await self._advance(owned, passage)
                advanced = True
            finally:  # whatever went wrong: the loop says so, the session is over, and who waits for it is told
                if not advanced:
                    await self._fail(owned)
            return results

    async def sweep(self) -> None:
        """Drop sessions that nobody feeds any more, until cancelled."""
        while True:
            await asyncio.sleep(1)
            since = time.monotonic() - self._settings.render_idle_seconds
            for name, owned in list(self._sessions.items()):
                if owned.touched < since:
                    log.warning("session dropped", session=name, reason="idle")
                    await self._drop(name)

    async def close(self) -> None:
        """Drop everything."""
        for name in list(self._sessions):
            await self._drop(name)

    async def _advance(self, owned: _Owned, passage: Passage[ForRender]) -> Sequence[Publishable]:
        message = passage.message
        if isinstance(message, FramesEnded):
            owned.session.frames_total = message.frames
        else:
            await asyncio.to_thread(owned.session.feed, message.frames, self._reader)
            owned.hops.extend((*message.hops, passage.hop(self._telemetry.service)))
        if not owned.session.finished:
            return self._progress(owned)
        del self._sessions[owned.begun.session]
        if isinstance(owned.sink, StillSink):
            await self._answer(owned, owned.sink, passage)
            return []
        return [await self._store_part(owned, owned.sink)]

    def _progress(self, owned: _Owned) -> list[Publishable]:
        now = time.monotonic()
        if not owned.begun.job or now - owned.told < PROGRESS_SECONDS:
            return []
        owned.told = now
        facts = owned.begun.facts
        return [
            JobProgressed(
                job=owned.begun.job,
                attempt=owned.begun.attempt,
                frames=owned.session.frames_done,
                frames_expected=facts.frames_expected if isinstance(facts, VideoFacts) else 1,
                faces=owned.session.faces_done,
                timings=summarise(owned.hops),
            )
        ]

    async def _store_part(self, owned: _Owned, sink: VideoSink | FacesSink) -> SegmentDone:
        path = await asyncio.to_thread(sink.close)
        try:
            await self._store.put(part_key(owned.begun.job, owned.begun.segment), path)
        finally:
            path.unlink(missing_ok=True)
        return SegmentDone(
            job=owned.begun.job,
            session=owned.begun.session,
            frames=owned.session.frames_done,
            faces=owned.session.faces_done,
            timings=summarise(owned.hops),
        )

    async def _answer(self, owned: _Owned, sink: StillSink, passage: Passage[ForRender]) -> None:
        picture = await asyncio.to_thread(sink.close)
        hops = (*list(owned.hops)[:-1], passage.hop(self._telemetry.service))
        geometry = owned.begun.facts.geometry
        finished = StillFinished(
            width=geometry.width, height=geometry.height, faces=tuple(sink.faces), hops=hops, kind=sink.kind
        )
        subject, headers = live_out(owned.begun.session), self._telemetry.headers()
        await self._bus.send(subject, wire.encode(finished), headers)
        for start in range(0, len(picture), CHUNK_BYTES):
            chunk = Chunk(body=picture[start : start + CHUNK_BYTES], last=start + CHUNK_BYTES >= len(picture))
            await self._bus.send(subject, wire.encode(chunk), headers)

    async def _drop(self, name: str) -> None:
        owned = self._sessions.pop(name, None)
        if owned is not None:
            async with owned.lock:
                await asyncio.to_thread(owned.sink.abort)

    async def _fail(self, owned: _Owned) -> None:
        self._sessions.pop(owned.begun.session, None)
        owned.sink.abort()
        problem = Problem("internal", "Drawing or encoding this segment failed; the service's log says why.")
        if owned.begun.job:
            failed = SegmentFailed(job=owned.begun.job, session=owned.begun.session, problem=problem)
            await self._bus.publish(failed.subject, wire.encode(failed), self._telemetry.headers())
        else:
            await self._bus.send(live_out(owned.begun.session), wire.encode(SessionFailed(problem=problem)))

    def _sink(self, begun: BeginSession) -> VideoSink | FacesSink | StillSink:
        path = self._settings.render_work / begun.session
        if isinstance(begun.facts, VideoFacts):
            if begun.want is Want.FACES:
                return FacesSink(path, begun.facts)
            settings = self._settings
            return VideoSink(path, begun.facts, settings.x264_preset, settings.x264_crf, settings.x264_threads)
        return StillSink(begun.facts, None if begun.want is Want.FACES else begun.reply_kind or begun.facts.kind)
