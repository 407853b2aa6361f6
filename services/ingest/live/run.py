"""One live session in ingest: hears the client, feeds the decoder, carries the frames on, and says what it drops."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.decoding import CardLiveDecoding
from services.ingest.lane import LaneSession
from services.ingest.live.feed import SourceFeed
from services.ingest.live.inbox import Inbox
from services.ingest.live.looks import LookChanges
from services.ingest.live.pump import LivePump
from services.ingest.messages.decoder import CodedFrameRead, DecodedFrame, FramesLate, ReadLive, VideoOpened
from shared.model.errors import Unavailable
from shared.model.jobs import Want
from shared.model.live import (
    BEAT_SECONDS,
    SILENCE_SECONDS,
    ChangeOutputs,
    FlowChanged,
    FramesSkipped,
    KeyFrameAwaited,
    KeyFrameWanted,
    LiveBeat,
    LiveBegan,
    LiveEnded,
    LiveFinished,
    LiveNoticed,
    LivePacket,
    LookWanted,
    OutputsWanted,
    Place,
    Reason,
    SoundOpened,
    ToLane,
    sound_subject,
)
from shared.model.pictures import PixelFormat
from shared.model.sessions import BeginSession, live_in, live_out
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

    import msgspec

    from services.ingest.decoders.live import LiveDecoding
    from services.ingest.lane import Lane
    from services.ingest.sources.rules import SourceRules
    from shared.model.live import LiveInput, OpenLive, SoundPacket
    from shared.model.media import VideoFacts
    from shared.model.sessions import SessionBegun
    from shared.transport.bus import Received

MOST_UNDER_WAY = 3
"""Packets that the decoder has at a time; the others wait where they can be dropped."""
WATCH_SECONDS = 0.1
FINISH_SECONDS = 10.0
"""So long render may take for what is under way when a session ends."""
_said = wire.decoder(ToLane)


class LiveRun:
    """From `run` to its end one session."""

    def __init__(self, lane: Lane, request: OpenLive, promise: Callable[[float], None], rules: SourceRules) -> None:
        """promise: told how many pixels a second the session needs, as soon as that is known; 0 when none follow.

        rules: for sources that are fetched.
        """
        self._promise, self._rules = promise, rules
        self._lane, self._request, self._settings = lane, request, request.settings
        self._pump = LivePump(lane, request.session, request.settings)
        self._inputs: asyncio.Queue[LiveInput | None] = asyncio.Queue()
        self._inbox = Inbox(request.settings.max_delay_ms)
        self._facts: VideoFacts | None = None
        self._sound: SoundOpened | None = None
        self._outputs = request.outputs
        self._skips: dict[Reason | None, list[int]] = {}
        self._stirred = asyncio.Event()
        self._flow = FlowChanged(paused=False, held=False)
        self._heard_at = time.monotonic()
        self._looks = LookChanges(lane, request.session, self._pump, self._say)
        self._begun: SessionBegun | None = None
        self._decoding: LiveDecoding
        """What is given packets now."""
        self._helpers: list[asyncio.Task[None]] = []
        self._granting: list[asyncio.Task[None]] = []
        """Gives the decoder slots."""

    async def run(self, listening: asyncio.Future[None]) -> None:
        """See the session through. listening: is done when packets are listened for.

        Raises Rejected for a stream that is at fault, Unavailable where the lane is. Who is abandoned ends silently.
        """
        session = self._request.session
        async with self._lane.bus.listen(live_in(session)) as messages:
            listening.set_result(None)
            async with LaneSession(self._lane, session) as owned:
                try:
                    running = [self._hear(messages), self._watch(owned), self._beat(), self._source()]
                    await _first_of(self._legs(owned), *running)
                except _AbandonedError:
                    return
                finally:
                    await _cancelled(self._helpers)
                await _first_of(self._finish(owned), self._beat())

    async def _legs(self, owned: LaneSession) -> None:
        """One decoder after the other: one, but for a source that begins anew in another way."""
        while (asked := await self._inputs.get()) is not None:
            self._inputs.task_done()
            self._inbox.intra = asked.codec.is_intra
            try:
                await self._leg(asked, owned)
            except CardRefused as error:
                if self._begun is not None:
                    raise  # its frames lie on the card: who goes on with it begins anew
                await self._leg(asked, owned, without_card=str(error))
        await self._pump.told()

    async def _leg(self, asked: LiveInput, owned: LaneSession, without_card: str = "") -> None:
        """One decoder, to its end. without_card: why a CPU is to decode all; empty where a card may.

        Raises CardRefused for what a CPU may be able to decode, from the next key frame on.
        """
        self._granting = []
        card = self._lane.card
        if without_card and card is not None:
            card.refused(self.session, without_card)
            self._inbox.wants_key = True
            await self._say(KeyFrameAwaited(after=self._inbox.last))
        may = card is not None and not without_card and (self._begun is None or self._is_on_card)
        fit = self._facts.laid_out(PixelFormat.I420) if self._facts is not None else None
        try:
            async with self._lane.decoders.decode_live(ReadLive(asked, fit, may)) as decoding:
                self._decoding = decoding
                try:
                    await _first_of(self._follow(decoding, owned), self._feed())
                finally:
                    await _cancelled(self._granting)
        finally:
            self._pump.take_back()  # the decoder is dead here

    @property
    def _is_on_card(self) -> bool:
        """Whether the session's frames lie on the lane's card."""
        return self._lane.card is not None and self._pump.pool is self._lane.card.pool

    async def _source(self) -> None:
        """What the session's packets come from, besides the client."""
        if self._settings.input is not None:
            self._inputs.put_nowait(self._settings.input)
            await asyncio.Event().wait()
        await SourceFeed(self._request.source, self._rules, self._lane.decoders, self).run()
        await asyncio.Event().wait()

    async def switch(self, asked: LiveInput | None) -> None:
        """Packets coded otherwise follow, or none at all (None). Returns when those before are decoded."""
        self._inputs.put_nowait(asked)
        self._stirred.set()
        if asked is None:
            self._end()
        else:
            await self._inputs.join()

    def put(self, packet: LivePacket) -> None:
        """A packet has come."""
        self._inbox.put(packet)
        self._stirred.set()

    async def notice(self, kind: str, detail: str) -> None:
        """Something that the client should know of."""
        await self._say(LiveNoticed(kind=kind, detail=detail))

    async def sound(self, said: SoundOpened | SoundPacket) -> None:
        """Sound beside the pictures, for outputs that carry it; what comes before the first picture is left out."""
        if isinstance(said, SoundOpened):
            self._sound = said
        await self._tell_owner(said)

    async def _tell_owner(self, said: SoundOpened | SoundPacket | ChangeOutputs) -> None:
        if self._begun is not None:
            subject = sound_subject(self._lane.name, self._begun.worker)
            with suppress(Unavailable):  # a gap in the sound, as there is one in the pictures then
                await self._lane.bus.send(subject, wire.encode(said))

    @property
    def session(self) -> str:
        """Its name."""
        return self._request.session

    def _end(self) -> None:
        self._flow = FlowChanged(paused=False, held=False)
        self._pump.opened(is_open=True)
        self._promise(0.0)

    async def _finish(self, owned: LaneSession) -> None:
        """The decoder has no more: have what is under way come to its end."""
        if self._begun is None:
            await self._tell_skips()
            await self._say(LiveFinished())
            return
        await self._tell_skips()
        await owned.end(self._pump.frames)
        if self._pump.frames == 0:
            await self._say(LiveFinished())
        else:
            await owned.released(time.time() + FINISH_SECONDS)

    async def _hear(self, messages: AsyncIterator[Received]) -> None:
        async for received in messages:
            self._heard_at = time.monotonic()
            await self._take(wire.decode(received.body, _said))

    async def _take(self, said: ToLane) -> None:
        match said:
            case LivePacket():
                self.put(said)
            case LookWanted():
                self._looks.want(said)
            case KeyFrameWanted():
                self._pump.want_key()
            case FlowChanged():
                self._flow = said
                self._inbox.pause(paused=said.paused)
                self._pump.opened(is_open=not (said.paused or said.held))
            case LiveEnded(abandoned=True):
                self._promise(0.0)
                raise _AbandonedError
            case LiveEnded():
                await self.switch(None)
            case OutputsWanted():
                self._outputs = said.outputs
                await self._tell_owner(ChangeOutputs(session=self.session, outputs=said.outputs))
            case _:
                return

    async def _feed(self) -> None:
        """Give the decoder what is worth it, a few packets at a time; at last the end."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            decoding = self._decoding
            breaks = self._inbox.breaks
            while decoding.under_way < MOST_UNDER_WAY:
                packet, dropped = self._inbox.take(time.time_ns())
                self._skipped(dropped, self._reason(late=True))
                if packet is None:
                    break
                self._pump.came(packet.number, packet.arrived_ns)
                decoding.put(packet.number, packet.pts, self._inbox.deadline_ns(packet), packet.body)
            if self._inbox.wants_key and self._inbox.breaks != breaks:
                await self._say(KeyFrameAwaited(after=self._inbox.last))
            if not self._inputs.empty() and not self._inbox:
                self._decoding.end()
                await asyncio.Event().wait()  # `_follow` ends when the decoder does

    async def _follow(self, decoding: LiveDecoding, owned: LaneSession) -> None:
        """What the decoder says, to its end; or what the card says, if it is to decode what this one has opened."""
        async for said in decoding.happenings():
            match said:
                case VideoOpened() if (on_card := self._on_card(decoding, said.facts)) is not None:
                    self._decoding = on_card  # before anything else is given to the one that it takes over from
                    async with on_card:
                        await self._follow(on_card, owned)
                    return
                case VideoOpened():
                    if self._begun is None:
                        await self._begin(said.facts, owned)
                    self._granting.append(asyncio.create_task(self._pump.grant(decoding, said.facts)))
                case DecodedFrame() if self._inbox.is_paused(said.number):
                    self._skipped((self._pump.drop(said),), Reason.PAUSED)
                case DecodedFrame() if self._facts is not None and self._begun is not None:
                    self._pump.seal(said, self._facts, self._begun)
                case FramesLate():
                    self._skipped(said.numbers, self._reason(late=True))
                case CodedFrameRead():
                    await self._read(said)

    def _on_card(self, decoding: LiveDecoding, facts: VideoFacts) -> LiveDecoding | None:
        """What decodes on the card from now on, if it is to."""
        card = self._lane.card
        if card is None or not decoding.live_task.card or isinstance(decoding, CardLiveDecoding):
            return None
        made = card.live_decoding(decoding, facts, self.session)
        if made is None and self._begun is not None:
            raise Unavailable("The stream goes on in a way that the card of its lane does not decode.")
        return made

    async def _read(self, said: CodedFrameRead) -> None:
        self._stirred.set()
        self._skipped(said.passed_over, self._reason(late=False))
        if said.is_damaged:
            self._skipped((said.number,), None)
        if self._pump.is_open and self._pump.pressure.felt(said.waiting, time.monotonic()):
            is_high = self._pump.pressure.is_high
            self._lane.press(self.session, is_high=is_high)
            kind, detail = _PRESSURE[is_high]
            await self._say(LiveNoticed(kind=kind, detail=detail))

    async def _begin(self, facts: VideoFacts, owned: LaneSession) -> None:
        request, settings, size = self._request, self._settings, facts.geometry
        self._facts = facts
        card = self._lane.card
        if card is not None and isinstance(self._decoding, CardLiveDecoding):
            owned.pool = self._pump.pool = card.pool
        self._promise(size.width * size.height * facts.frame_rate[0] / facts.frame_rate[1])
        begin = BeginSession(
            session=request.session,
            epoch=owned.pool.epoch,
            want=Want.PICTURE if settings.want_picture else Want.FACES,
            look=settings.look,
            facts=facts,
            live=settings,
            outputs=self._outputs,
            context=request.context,
            resume=request.resume,
        )
        self._begun = await owned.begin(begin)
        await self._say(LiveBegan(facts=facts, resumed=self._begun.resumed))
        if self._sound is not None:
            await self.sound(self._sound)
        self._helpers = [
            asyncio.create_task(self._pump.tell(self._begun)),
            asyncio.create_task(self._looks.follow(self._begun)),
        ]

    def _reason(self, *, late: bool) -> Reason:
        if self._flow.held:
            return Reason.SLOW_READER
        return Reason.LATE if late else Reason.OVERLOAD

    async def _watch(self, owned: LaneSession) -> None:
        """Say that the session is there; see that client, owner and helpers are."""
        while True:
            if time.monotonic() - self._heard_at > SILENCE_SECONDS:
                raise _AbandonedError
            if not owned.owner_is_alive:
                raise Unavailable("The render worker of this session died.")
            for task in (*self._helpers, *self._granting):
                if task.done() and not task.cancelled():
                    task.result()
            await self._tell_skips()
            await asyncio.sleep(WATCH_SECONDS)

    async def _beat(self) -> None:
        while True:
            await self._say(LiveBeat())
            await asyncio.sleep(BEAT_SECONDS)

    def _skipped(self, numbers: Iterable[int], reason: Reason | None) -> None:
        """Nothing comes of these packets: told with others, a moment later."""
        for number in numbers:
            self._pump.forget(number)
            why = Reason.PAUSED if reason is not None and self._inbox.is_paused(number) else reason
            self._skips.setdefault(why, []).append(number)

    async def _tell_skips(self) -> None:
        skips, self._skips = self._skips, {}
        for reason, numbers in skips.items():
            await self._say(FramesSkipped(numbers=tuple(numbers), place=Place.INGEST, reason=reason))

    async def _say(self, message: msgspec.Struct) -> None:
        headers = self._lane.telemetry.headers(sampled=False)
        with suppress(Unavailable):  # while the bus is away nobody hears of it; the account says "lost" then
            await self._lane.bus.send(live_out(self._request.session), wire.encode(message), headers)


_PRESSURE = {
    True: ("degraded", "The lane is busy: new faces are looked for less often, and frames may be dropped."),
    False: ("recovered", "The lane keeps up again."),
}


class _AbandonedError(Exception):
    """Nobody waits for the session any more."""


async def _first_of(main: Coroutine[Any, Any, None], *others: Coroutine[Any, Any, None]) -> None:
    """Until `main` is over or any of the others fails; that failure is raised."""
    tasks = [asyncio.create_task(one) for one in (main, *others)]
    try:
        while not tasks[0].done():
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
