"""Hands on what a session has made: a part to the object store, a still to its client, a failure to who can retry."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.render.sinks import StillSink
from shared.memory.layout import is_on_card
from shared.model.hops import Hop, summarise
from shared.model.jobs import JobProgressed, Problem, SegmentDone, SegmentFailed, part_key
from shared.model.sessions import CHUNK_BYTES, Chunk, SessionFailed, StillFinished, live_out
from shared.runtime.logs import log
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from services.render.live import LiveOutlet
    from services.render.live_sink import LiveSink
    from services.render.measuring import RenderMeasures
    from services.render.precedence import Precedence
    from services.render.reading import Reading
    from services.render.session import RenderSession
    from services.render.sinks import FacesSink, VideoSink
    from shared.model.assets import Prepared
    from shared.model.sessions import BeginSession
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus
    from shared.transport.store import ObjectStore

HOPS_KEPT = 4096
PROGRESS_SECONDS = 0.5
BROKEN = Problem("internal", "Drawing or encoding this segment failed; the service's log says why.")


@dataclass(slots=True)
class OwnedSession:
    """A session and what the shell must know of it."""

    begun: BeginSession
    reading: Reading
    sink: VideoSink | FacesSink | StillSink | LiveSink
    session: RenderSession
    assets: asyncio.Task[dict[str, Prepared]] | None = None
    """What its look refers to, while it is fetched; None once the session has it."""
    outlet: LiveOutlet | None = None
    """Of a live session."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while its frames are touched."""
    hops: deque[Hop] = field(default_factory=lambda: deque(maxlen=HOPS_KEPT))
    touched: float = field(default_factory=time.monotonic)
    told: float = 0.0
    told_of_people: bool = False
    """Whether the log says that its frames lack people."""

    @property
    def is_of_job(self) -> bool:
        """Whether it is a segment of a job, for which nobody waits as for what is live, or for a still."""
        return bool(self.begun.job)

    def is_outdated_by(self, request: BeginSession) -> bool:
        """Whether it makes way for another: of two attempts at the same only the newer one is wanted.

        The frames of an older life of its pool are gone.
        """
        older = self.begun
        same_pool = is_on_card(older.epoch) == is_on_card(request.epoch)
        same_segment = bool(request.job) and (older.job, older.segment) == (request.job, request.segment)
        return (same_pool and older.epoch != request.epoch) or older.session == request.session or same_segment

    def forget_assets(self) -> None:
        """Nobody will ask for them any more."""
        if self.assets is not None:
            self.assets.cancel()
            self.assets.add_done_callback(lambda task: task.cancelled() or task.exception())
            self.assets = None

    def tell_of_people(self) -> None:
        """Say once that frames came without what their background is drawn by: from a detect of before, most likely."""
        if self.session.lacks_people and not self.told_of_people:
            self.told_of_people = True
            detail = "Detect does not say where their people are: the background stays as it is."
            log.warning("frames without people", session=self.begun.session, detail=detail)

    def progress(self) -> list[JobProgressed]:
        """What is to be told of a job now: something, now and then."""
        now = time.monotonic()
        if not self.begun.job or now - self.told < PROGRESS_SECONDS:
            return []
        self.told = now
        return [
            JobProgressed(
                job=self.begun.job,
                segment=self.begun.segment,
                attempt=self.begun.attempt,
                frames=self.session.frames_written,
                faces=self.session.faces_done,
                timings=summarise(self.hops),
            )
        ]


class Handover:
    """The ways out of render."""

    def __init__(
        self, bus: Bus, store: ObjectStore, telemetry: Telemetry, drawing: Precedence, measures: RenderMeasures
    ) -> None:
        """drawing: whose threads wait for encoders, and for nothing else."""
        self._measures = measures
        self._bus, self._drawing = bus, drawing
        self._store = store
        self._telemetry = telemetry

    async def part(self, owned: OwnedSession, sink: VideoSink | FacesSink) -> SegmentDone:
        """Finish the file and put it into the object store; the answer says so."""
        path = await asyncio.get_running_loop().run_in_executor(self._drawing.threads(of_job=True), sink.close)
        try:
            await self._store.put(part_key(owned.begun.job, owned.begun.segment), path)
        finally:
            path.unlink(missing_ok=True)
        self._measures.job_delivered(owned.session.frames_written)
        return SegmentDone(
            job=owned.begun.job,
            segment=owned.begun.segment,
            session=owned.begun.session,
            frames=owned.session.frames_written,
            faces=owned.session.faces_done,
            timings=summarise(owned.hops),
        )

    async def still(self, owned: OwnedSession, sink: StillSink, last: Hop) -> None:
        """Answer a still: first what was found, then the picture in pieces. last: render's own hop."""
        picture = sink.close()
        geometry = owned.begun.facts.geometry
        hops = (*list(owned.hops)[:-1], last)
        finished = StillFinished(
            width=geometry.width, height=geometry.height, faces=tuple(sink.faces), hops=hops, kind=sink.kind
        )
        subject, headers = live_out(owned.begun.session), self._telemetry.headers()
        await self._bus.send(subject, wire.encode(finished), headers)
        for start in range(0, len(picture), CHUNK_BYTES):
            chunk = Chunk(body=picture[start : start + CHUNK_BYTES], last=start + CHUNK_BYTES >= len(picture))
            await self._bus.send(subject, wire.encode(chunk), headers)

    async def live(self, owned: OwnedSession, sink: LiveSink) -> None:
        """Tell the last frames of a live session."""
        await asyncio.get_running_loop().run_in_executor(self._drawing.threads(of_job=False), sink.close)
        if owned.outlet is not None:
            owned.outlet.keep(owned.session, now=True)

    async def live_end(self, outlet: LiveOutlet, outputs: Awaitable[None]) -> None:
        """Say that a live session is over, once its outputs are complete; until then, that it is worked on."""
        beating = asyncio.create_task(outlet.beat())
        try:
            await outputs
        finally:
            beating.cancel()
        await outlet.finish()

    async def failure(self, owned: OwnedSession, problem: Problem = BROKEN) -> None:
        """Leave nothing behind, and tell ingest (a segment) or the client (a still)."""
        threads = self._drawing.threads(of_job=owned.is_of_job)
        await asyncio.get_running_loop().run_in_executor(threads, owned.sink.abort)
        if owned.outlet is not None:
            await owned.outlet.close()
        if owned.begun.job:
            self._measures.job_failed(owned.session.frames_written, problem.code)
            failed = SegmentFailed(
                job=owned.begun.job, segment=owned.begun.segment, session=owned.begun.session, problem=problem
            )
            await self._bus.publish(failed.subject, wire.encode(failed), self._telemetry.headers())
        else:
            await self._bus.send(live_out(owned.begun.session), wire.encode(SessionFailed(problem=problem)))
