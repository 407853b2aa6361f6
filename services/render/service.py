"""Render's shell: owns sessions and feeds them the frames that come."""

from __future__ import annotations

import asyncio
import contextvars
import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from services.render.drawing import Painter
from services.render.handover import BROKEN, Handover, OwnedSession
from services.render.live import LiveOutlet
from services.render.live_outputs import OutputRoom
from services.render.live_sink import LiveSink, Passing
from services.render.measuring import RenderMeasures, tell_fetched, tell_of_host
from services.render.nvenc.coder import NvencFailed
from services.render.own.effects import NONE, OwnEffects
from services.render.own.painting import OwnPainter
from services.render.own.watching import OwnWatch
from services.render.past import PastKeeper, taken_up
from services.render.precedence import Precedence, to_the_end
from services.render.reading import NoDevice
from services.render.session import RenderSession
from services.render.sink_making import encoder_of, kept_sink, refused_for
from services.render.sinks import StillSink
from shared.model.addresses import read_networks
from shared.model.errors import Late, Rejected, Unavailable
from shared.model.frames import FacesDetected, ForRender, FramesEnded
from shared.model.jobs import Problem
from shared.model.live import (
    ChangeOutputs,
    LookPrepared,
    LookRefused,
    PrepareLook,
    SoundOpened,
    SoundPacket,
    sound_subject,
)
from shared.model.looks import Look
from shared.model.media import VideoFacts
from shared.model.sessions import BeginSession, EndSession, SessionBegun, SessionEnded, SessionRefused
from shared.runtime import lifecycle
from shared.runtime.logs import log
from shared.transport import wire
from shared.transport.assets import AssetShelf
from shared.transport.dialing import Dialer
from shared.transport.patient_store import PatientStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from concurrent.futures import Executor, Future

    from services.render.encoding.live import LiveEncoder
    from services.render.reading import LaneFrames, Reading
    from services.render.session import SessionState
    from services.render.settings import RenderSettings
    from services.render.sinks import FacesSink, VideoSink
    from shared.model.assets import Prepared
    from shared.model.frames import DetectedFrame
    from shared.runtime.pasts import Pasts
    from shared.runtime.stage import Passage, Publishable
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus, Received
    from shared.transport.store import ObjectStore

SWEEP_SECONDS = 1.0
LIVE_IDLE_SECONDS = 900.0
STUCK_SECONDS = 120.0
"""A message's frames that are not drawn and encoded after so long never will be."""
CLOSE_SECONDS = 3.0
"""What outputs may take to end when the worker is stopped."""
_begin = wire.decoder(BeginSession)
_end = wire.decoder(EndSession)
_prepare = wire.decoder(PrepareLook)
_heard = wire.decoder(SoundOpened | SoundPacket | ChangeOutputs)


class RenderService:
    """The sessions of one render worker."""

    def __init__(
        self,
        settings: RenderSettings,
        bus: Bus,
        store: ObjectStore,
        pasts: Pasts,
        frames: LaneFrames,
        telemetry: Telemetry,
        effects: OwnEffects = NONE,
    ) -> None:
        """effects: others' own. Raises Misconfigured for networks that are none."""
        self.give_up: Callable[[], None] = lifecycle.give_up
        """Ends the process where a thread hangs in an encoder, or the card has failed: neither can be mended in it."""
        self._settings = settings
        self._effects = effects
        self._bus, self._pasts = bus, pasts
        dialer = Dialer(read_networks(settings.push_networks, "push_networks"), setting="push_networks")
        self.room_for_outputs = OutputRoom(store, dialer, settings.render_work)
        self._measures = RenderMeasures(telemetry.metrics)
        self._drawing = Precedence(settings.render_parallel)
        """Its own threads: what else waits in some, for names or for files, does not keep it waiting."""
        self._handover = Handover(bus, PatientStore.of(store), telemetry, self._drawing, self._measures)
        self._shelf = AssetShelf(store)
        self._frames = frames
        self._telemetry = telemetry
        self._sessions: dict[str, OwnedSession] = {}
        self._beginning: set[str] = set()
        """Sessions that have a place and are not there yet."""
        self._changes: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> int:
        """How many sessions more it takes."""
        return self._settings.render_sessions - len(self._sessions) - len(self._beginning)

    def look(self) -> None:
        """Show which sessions there are."""
        self._measures.own(owned.begun for owned in self._sessions.values())

    async def begin(self, received: Received) -> bytes:
        """BeginSession -> SessionBegun | SessionRefused. A newer attempt at a segment replaces the older one."""
        request: BeginSession = wire.decode(received.body, _begin)
        row = self._frames.follow(request.epoch)
        for name, owned in list(self._sessions.items()):
            if owned.is_outdated_by(request):
                await self._drop(name)
        if self.room <= 0 or request.session in self._beginning:
            return wire.encode(SessionRefused(retry_after_seconds=1.0))
        self._beginning.add(request.session)
        try:
            state = await taken_up(self._pasts, request.context) if request.resume else None
            self._sessions[request.session] = await self._owned(request, state)
        except (Rejected, NvencFailed, NoDevice) as error:
            return wire.encode(refused_for(error))
        finally:
            self._beginning.discard(request.session)
        begun = SessionBegun(worker=self._settings.worker, row=row, resumed=state is not None)
        return wire.encode(begun)

    async def _owned(self, request: BeginSession, state: SessionState | None) -> OwnedSession:
        """Raises Rejected for what no encoder takes, NvencFailed, NoDevice, FrameLost for what cannot be read here."""
        reading, outlet = self._frames.begin(request.epoch, partial(tell_of_host, request.session)), None
        try:
            outlet = self._outlet(request)
            encoder = await encoder_of(request, self._settings, reading)
            sink = self._sink(request, outlet, reading, encoder)
            sink.encoded = self._measures.encoded
        except BaseException as error:
            if isinstance(error, NvencFailed):
                await self._look_at_card(reading, request.session)
            self._frames.end(reading)
            if outlet is not None:
                await outlet.close()
            raise
        time_base = request.facts.time_base if isinstance(request.facts, VideoFacts) else (1, 1)  # a still has no past
        pass_over = sink.pass_over if isinstance(sink, LiveSink) else None
        session = RenderSession(request.look, sink, time_base, state, pass_over=pass_over, span=request.span)
        session.frames_total, session.easel = request.frames, reading.easel
        # Who asks waits for two seconds, and the object store may take longer.
        assets = asyncio.create_task(self._shelf.load(request.look.asset_ids if sink.wants_picture else ()))
        return OwnedSession(request, reading, sink, session, assets, outlet)

    async def end(self, received: Received) -> bytes:
        """EndSession -> SessionEnded, once nothing here touches the session's frames any more."""
        request: EndSession = wire.decode(received.body, _end)
        await self._drop(request.session)
        return wire.encode(SessionEnded(session=request.session))

    async def prepare_look(self, received: Received) -> bytes:
        """PrepareLook -> LookPrepared | LookRefused: another look for a session, from some frame on."""
        request: PrepareLook = wire.decode(received.body, _prepare)
        owned = self._sessions.get(request.session)
        if owned is None:
            return wire.encode(LookRefused(change=request.change, problem=Problem("gone", "The session is over.")))
        try:
            painter = await self._painter(request.session, request.look, self._shelf.load(request.look.asset_ids))
        except Rejected as error:
            return wire.encode(LookRefused(change=request.change, problem=Problem(error.code, error.detail)))
        except Unavailable as error:
            return wire.encode(LookRefused(change=request.change, problem=Problem("unavailable", str(error))))
        owned.session.prepare(request.change, request.look, painter)
        return wire.encode(LookPrepared())

    async def hear(self, bus: Bus) -> None:
        """Take sessions' sound, and wishes for other outputs, until cancelled."""
        async with bus.listen(sound_subject(self._settings.lane, self._settings.worker)) as messages:
            async for received in messages:
                said: SoundOpened | SoundPacket | ChangeOutputs = wire.decode(received.body, _heard)
                owned = self._sessions.get(said.session)
                outlets = owned.sink.outlets if owned is not None and isinstance(owned.sink, LiveSink) else None
                if outlets is None:
                    continue
                match said:
                    case SoundOpened():
                        outlets.open_sound(said)
                    case SoundPacket():
                        outlets.write_sound(said)
                    case ChangeOutputs():
                        self._changing(_done(outlets.change(said.outputs)))

    async def draw(self, passage: Passage[ForRender]) -> Sequence[Publishable]:
        """Draw what has come; the answer is progress, or the end of a segment."""
        owned = self._sessions.get(passage.message.session)
        if owned is None:
            self._release(passage.message)
            raise Late("The session is over.")
        _expect(owned, passage)
        async with owned.lock:
            if self._sessions.get(passage.message.session) is not owned:
                self._release(passage.message)
                raise Late("The session is over.")
            owned.touched = time.monotonic()
            results: Sequence[Publishable] = ()
            problem: Problem | None = BROKEN
            try:
                results = await self._advance(owned, passage)
                problem = None
            except Rejected as error:  # told to who waits; nothing is wrong with the message
                problem = Problem(error.code, error.detail)
                passage.notes.failed = error.code
            finally:  # whatever went wrong: the session is over, and who waits for it is told
                if problem is not None:
                    await self._fail(owned, passage.message, problem)
            return results

    async def sweep(self) -> None:
        """Drop sessions that nobody feeds any more, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.drop_idle(time.monotonic() - self._settings.render_idle_seconds)

    async def drop_idle(self, since: float) -> None:
        """Drop the sessions that no frame has come for since then (time.monotonic).

        A live one may pause, or its source be away: ingest ends it, or LIVE_IDLE_SECONDS do where that is gone.
        """
        for name, owned in list(self._sessions.items()):
            if owned.touched < since - (LIVE_IDLE_SECONDS if owned.begun.live is not None else 0):
                log.warning("session dropped", session=name, reason="idle")
                await self._drop(name)

    async def close(self) -> None:
        """Drop everything."""
        for name in list(self._sessions):
            await self._drop(name)
        if self._changes:
            await asyncio.wait(self._changes, timeout=CLOSE_SECONDS)
        self._drawing.close()

    async def _fail(self, owned: OwnedSession, message: ForRender, problem: Problem) -> None:
        self._sessions.pop(owned.begun.session, None)
        await self._look_at_card(owned.reading, owned.begun.session)
        owned.forget_assets()
        self._end_outputs(owned)
        self._release(message)  # a still has no other frames, and nobody waits for its slot then
        await self._handover.failure(owned, problem)
        self._end_reading(owned)

    async def _look_at_card(self, reading: Reading, session: str) -> None:
        """A session has failed: end the process if its card has, which cannot be mended in it."""
        if reading.uses_card and await asyncio.to_thread(reading.is_lost):
            log.error("the card has failed", session=session, detail="This worker begins anew.")
            self.give_up()

    def _release(self, message: ForRender) -> None:
        """Nothing comes of these frames."""
        if isinstance(message, FacesDetected):
            for frame in message.frames:
                self._frames.release(frame.captured.reference)

    async def _advance(self, owned: OwnedSession, passage: Passage[ForRender]) -> Sequence[Publishable]:
        message = passage.message
        if isinstance(message, FramesEnded):
            owned.session.frames_total = message.frames
        elif message.problem is not None:
            raise Rejected(message.problem.code, message.problem.detail)
        else:
            await self._equip(owned)
            async with self._drawing.turn(of_job=owned.is_of_job) as threads:
                passage.begin()
                _expect(owned, passage)
                await self._feed(owned, message.frames, threads)
            owned.tell_of_people()
            owned.hops.extend((*message.hops, passage.hop(self._telemetry.service)))
            if owned.outlet is not None:
                owned.outlet.keep(owned.session)
        if not owned.session.finished:
            return owned.progress()
        results: list[Publishable] = []
        if isinstance(owned.sink, StillSink):
            await self._handover.still(owned, owned.sink, passage.hop(self._telemetry.service))
        elif isinstance(owned.sink, LiveSink):
            await self._handover.live(owned, owned.sink)
            self._end_outputs(owned, over=True)
        else:
            results.append(await self._handover.part(owned, owned.sink))
        self._sessions.pop(owned.begun.session, None)
        self._end_reading(owned)
        return results

    async def _equip(self, owned: OwnedSession) -> None:
        """Give the session what its look needs, before its first frame. Raises Rejected for what is not there."""
        if owned.assets is None:
            return
        look = owned.begun.look if owned.sink.wants_picture else Look()
        try:
            owned.session.painter = await self._painter(owned.begun.session, look, owned.assets)
        except Unavailable as error:
            raise Rejected("unavailable", str(error)) from error
        owned.assets = None

    async def _painter(self, session: str, look: Look, assets: Awaitable[dict[str, Prepared]]) -> Painter:
        """With all that a look needs. Raises Rejected for what is not there, Unavailable where nobody can tell."""
        self._effects.refuse_unknown(look)
        return Painter(await assets, OwnPainter(self._effects, OwnWatch(session, self._telemetry.metrics).note))

    async def _feed(self, owned: OwnedSession, frames: Sequence[DetectedFrame], threads: Executor) -> None:
        """Draw in a thread; if cancelled, wait for it: it reads the pool and writes to the sink until it is done."""
        draw = partial(contextvars.copy_context().run, owned.session.feed, frames, owned.reading)
        feeding = asyncio.get_running_loop().run_in_executor(threads, draw)
        watch = asyncio.get_running_loop().call_later(STUCK_SECONDS, self._stuck, owned.begun.session)
        feeding.add_done_callback(lambda _: watch.cancel())
        await to_the_end(feeding)

    def _stuck(self, session: str) -> None:
        log.error("stuck", session=session, detail=f"Drawing or encoding has not ended after {STUCK_SECONDS:.0f} s.")
        self.give_up()

    async def _drop(self, name: str) -> None:
        owned = self._sessions.pop(name, None)
        if owned is not None:
            owned.forget_assets()
            async with owned.lock:
                threads = self._drawing.threads(of_job=owned.is_of_job)
                await asyncio.get_running_loop().run_in_executor(threads, owned.sink.abort)
                if owned.outlet is not None:
                    owned.outlet.keep(owned.session, now=True)
                    await owned.outlet.close()
                self._end_reading(owned)
            self._end_outputs(owned)

    def _outlet(self, begun: BeginSession) -> LiveOutlet | None:
        if begun.live is None:
            return None
        keeper = PastKeeper(self._pasts, begun.context)
        return LiveOutlet(self._bus, self._telemetry, begun.session, keeper)

    def _sink(
        self, begun: BeginSession, outlet: LiveOutlet | None, reading: Reading, encoder: LiveEncoder | None
    ) -> VideoSink | FacesSink | StillSink | LiveSink:
        if begun.live is None or outlet is None or not isinstance(begun.facts, VideoFacts):
            return kept_sink(begun, self._settings, reading, encoder)
        live, facts, outlets = begun.live, reading.as_copied(begun.facts), None
        if live.want_picture and live.input is None:
            outlets = self.room_for_outputs.outlets(
                begun.session, outlet.emit, stream=begun.context, resumed=begun.resume
            )
        threads = self._settings.live_encoder_threads
        sink = LiveSink(live, facts, outlet.emit, threads, outlets, reading.copies, encoder)
        if outlets is not None:
            self._changing(_done(outlets.change(begun.outputs)))
        return sink

    def _end_reading(self, owned: OwnedSession) -> None:
        """Nothing touches the session's frames any more."""
        if owned.reading.devices is not None:
            tell_fetched(self._telemetry, owned.begun.session, asdict(owned.reading.fetched))
        self._frames.end(owned.reading)

    def _end_outputs(self, owned: OwnedSession, *, over: bool = False) -> None:
        """Have the outputs of a session end properly, which may take them a while. over: that is told, too."""
        outlets = owned.sink.outlets if isinstance(owned.sink, LiveSink) else None

        async def end() -> None:
            if outlets is not None:
                await asyncio.wrap_future(outlets.close(over=over))
                self.room_for_outputs.tell_of_rests(owned.begun.session, owned.begun.context)

        if over and owned.outlet is not None:
            self._changing(self._handover.live_end(owned.outlet, end()))
        elif outlets is not None:
            self._changing(end())

    def _changing(self, change: Coroutine[Any, Any, None]) -> None:
        """Have something go on beside."""
        task = asyncio.create_task(change)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)


def _expect(owned: OwnedSession, passage: Passage[ForRender]) -> None:
    """Tell a live sink that these frames are there, and since when."""
    if isinstance(owned.sink, LiveSink) and isinstance(passage.message, FacesDetected):
        owned.sink.expect(passage.message.frames, Passing(passage.message.hops, passage.waited_ms, passage.started))


async def _done(future: Future[None]) -> None:
    await asyncio.wrap_future(future)
