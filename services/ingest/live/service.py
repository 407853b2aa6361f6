"""Live sessions: the lane's side of one stream of frames, from the gateway's packets to the frames in the pool."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from services.ingest.live.run import LiveRun
from shared.model.errors import Rejected, Unavailable, VisavisError
from shared.model.jobs import Problem
from shared.model.live import DRAINING, LiveOpened, OpenLive
from shared.model.sessions import SessionFailed, SessionRefused, live_out
from shared.runtime.logs import log, now_about
from shared.runtime.telemetry import sent_ns_of
from shared.transport import wire

if TYPE_CHECKING:
    import msgspec

    from services.ingest.lane import Lane
    from services.ingest.live.room import Room
    from services.ingest.sources.rules import SourceRules
    from shared.transport.bus import Headers, Received

RETRY_AFTER_SECONDS = 2.0
LEAVING_SECONDS, LOOK_AGAIN_SECONDS = 0.4, 0.02
UNKNOWN_PIXELS_PER_SECOND = 1280 * 720 * 30.0
"""What a source that is fetched is taken to need, until its first frame says."""
_open = wire.decoder(OpenLive)


class LiveService:
    """Takes live sessions as long as the lane has room for their pixels."""

    def __init__(self, lane: Lane, room: Room, rules: SourceRules) -> None:
        """rules: for sources that are fetched."""
        self._lane, self._room, self._rules = lane, room, rules
        self._running: dict[asyncio.Task[None], LiveRun] = {}

    @property
    def sessions(self) -> int:
        """How many run."""
        return len(self._running)

    async def drain(self) -> None:
        """Tell whoever has a stream here to go on with it in another lane; returns when the last one has left."""
        told: set[LiveRun] = set()
        while self._running:
            for run in set(self._running.values()) - told:
                told.add(run)
                await run.notice(DRAINING, "The lane that has this stream is being stopped: another goes on with it.")
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def open(self, received: Received) -> bytes:
        """OpenLive -> LiveOpened | SessionRefused; from the answer on packets are listened for."""
        request: OpenLive = wire.decode(received.body, _open)
        asked = request.settings.input
        wanted = asked.pixels_per_second if asked is not None else UNKNOWN_PIXELS_PER_SECOND
        if not await self._taken(request.session, wanted):
            return wire.encode(SessionRefused(retry_after_seconds=RETRY_AFTER_SECONDS))
        self._lane.live.add(request.session)
        listening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        run = LiveRun(self._lane, request, partial(self._room.promise, request.session), self._rules)
        task = asyncio.create_task(self._serve(run, request, received.headers, listening))
        self._running[task] = run
        task.add_done_callback(lambda ended: self._ended(request.session, ended))
        await listening
        return wire.encode(LiveOpened(lane=self._lane.name))

    async def _taken(self, session: str, pixels_per_second: float) -> bool:
        """Whether there is room, now or in a moment: who goes on with a stream comes as the one before leaves."""
        for _ in range(round(LEAVING_SECONDS / LOOK_AGAIN_SECONDS)):
            if self._room.take(session, pixels_per_second):
                return True
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return self._room.take(session, pixels_per_second)

    async def close(self) -> None:
        """End what is running."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _ended(self, session: str, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._lane.live.discard(session)
        self._lane.press(session, is_high=False)
        self._room.give_back(session)

    async def _serve(self, run: LiveRun, request: OpenLive, headers: Headers, listening: asyncio.Future[None]) -> None:
        """See one session through; whoever waits for it is told if that fails."""
        telemetry = self._lane.telemetry
        started, problem = time.monotonic(), None
        now_ns = time.time_ns()
        now_about(request)
        sent_ns = min(now_ns, sent_ns_of(headers, now_ns))
        with telemetry.hop(headers, sent_ns, now_ns, session=request.session) as notes:
            try:
                await run.run(listening)
            except Rejected as error:
                problem = Problem(error.code, error.detail)
            except VisavisError as error:
                problem = Problem("unavailable", str(error))
            except Exception:  # noqa: BLE001  -- the end of a session: a bug costs it, and is told without its words
                log.exception("unexpected")
                problem = Problem("internal", "Something broke on our side; the trace id leads to the log.")
            except asyncio.CancelledError:
                await self._say(request.session, SessionFailed(problem=Problem("unavailable", "The lane stops.")))
                raise
            finally:
                if not listening.done():
                    listening.set_result(None)
            if problem is not None:
                notes.failed = problem.code
                await self._say(request.session, SessionFailed(problem=problem))
        word = problem.code if problem else "ended"
        log.info("live session over", outcome=word, seconds=round(time.monotonic() - started))

    async def _say(self, session: str, message: msgspec.Struct) -> None:
        with suppress(Unavailable):  # without a bus nobody is there to be told
            await self._lane.bus.send(live_out(session), wire.encode(message), self._lane.telemetry.headers())
