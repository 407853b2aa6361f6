"""One session's way through the lane: a decoder, an owner in render, and the frames between them."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from services.ingest.messages.decoder import ReadVideo
from services.ingest.pump import FramePump
from shared.model.errors import Rejected, Unavailable
from shared.model.frames import FramesEnded
from shared.model.jobs import Want
from shared.model.looks import Look
from shared.model.media import VideoFacts
from shared.model.offers import ModelChoice
from shared.model.sessions import (
    BeginSession,
    EndSession,
    SessionBegun,
    SessionRefused,
    begin_subject,
    end_subject,
)
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.ingest.cuda.lane import CardLane
    from services.ingest.decoders.making import Decoders, Decoding
    from services.ingest.messages.decoder import ReadStill
    from services.ingest.pump import FramePool
    from shared.memory.host import HostPool
    from shared.model.media import DecodeSummary, Facts
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus

BEGIN_SECONDS = 10.0
"""So long an owner for a session is looked for."""
END_SECONDS = 5.0
"""So long leaving a session waits for its owner to confirm the end; after that it is asked in the background."""
RELEASE_POLL_SECONDS = 0.02
ASK_AGAIN_SECONDS = 0.1
SHARE_BESIDE_LIVE, TOGETHER_BESIDE_LIVE = 6, 2
"""While the lane has live sessions: slots that a session of a job holds at most, and frames that travel together. What
is live waits for nothing that has begun longer than these take."""
FULL = "All render workers of this lane are full."
DEPLOYMENT_MODELS = ModelChoice()
_begun = wire.decoder(SessionBegun | SessionRefused)


@dataclass(slots=True)
class Told:
    """What the lane has told so far."""

    pixels: int = 0
    live_pixels: int = 0
    """Of those."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What every session of this lane needs."""

    name: str
    pool: HostPool
    decoders: Decoders
    bus: Bus
    telemetry: Telemetry
    most_together: int
    """Frames that one message carries."""
    most_slots: int
    """Slots that one session of a job may hold at a time."""
    jobs: int = 1
    """Sessions of jobs that there may be at a time."""
    card: CardLane | None = None
    """By which frames come that a card decodes; None: there is no card, or its memory cannot be shared."""
    live: set[str] = field(default_factory=set)
    """Sessions that somebody watches now: jobs stand back for them."""
    pressed: set[str] = field(default_factory=set)
    """Those of them whose frames wait for slots: the lane is too slow for them and jobs together."""
    told: Told = field(default_factory=Told)
    closing: set[asyncio.Task[None]] = field(default_factory=set)
    """Sessions whose owner has not yet confirmed their end."""

    def share(self, size_bytes: int, pool: FramePool | None = None) -> int:
        """Slots for frames of that size that one session of a job may hold now; beside live all of them half at most.
        pool: where; None: the host's.

        Each has one, and no more while live is pressed: it goes on, frame by frame.
        """
        if not self.live:
            return self.most_slots
        if self.pressed:
            return 1
        half = (pool or self.pool).ledger.count_fitting(size_bytes) // 2
        return max(1, min(self.most_slots, SHARE_BESIDE_LIVE, half // self.jobs))

    @property
    def frames_per_message(self) -> int:
        """Frames of a job that one message carries now."""
        return min(self.most_together, TOGETHER_BESIDE_LIVE) if self.live else self.most_together

    @property
    def busy_seconds(self) -> float:
        """Processor time that decoding has taken."""
        return self.decoders.busy_seconds + (self.card.decoders.busy_seconds if self.card is not None else 0.0)

    def press(self, session: str, *, is_high: bool) -> None:
        """Whether a live session's frames wait for slots."""
        if is_high:
            self.pressed.add(session)
        else:
            self.pressed.discard(session)

    async def close(self) -> None:
        """Wait for nobody any more."""
        for task in self.closing:
            task.cancel()
        await asyncio.gather(*self.closing, return_exceptions=True)


class LaneSession:
    """A context manager: afterwards nothing of the session is left, or its slots are in quarantine."""

    def __init__(self, lane: Lane, session: str) -> None:
        self._lane = lane
        self._session = session
        self.pool: FramePool = lane.pool
        """Where its frames lie; known when `feed` asks for the BeginSession."""
        self._begun: SessionBegun | None = None
        self._asking: asyncio.Task[SessionBegun] | None = None
        self._is_left = False
        self._fed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._fed = False  # render has every frame, perhaps, and may still be making what nobody wants any more
        closing = asyncio.create_task(self._close())
        self._lane.closing.add(closing)
        closing.add_done_callback(self._lane.closing.discard)
        await asyncio.wait((closing,), timeout=END_SECONDS)

    @property
    def owner_is_alive(self) -> bool:
        """False once the kernel has said that the render worker which owns the session is dead."""
        return self._begun is None or self.pool.is_alive(self._begun.row)

    async def feed(
        self,
        task: ReadVideo | ReadStill,
        begin: Callable[[Facts], BeginSession],
        waited_ms: float,
        models: ModelChoice = DEPLOYMENT_MODELS,
    ) -> DecodeSummary:
        """Decode, find an owner, tell every frame. models: by which detect is to find the faces.

        Raises Rejected, DecoderDied, CardRefused for what should be tried without `task.card`, or Unavailable without
        an owner.
        """
        pump = FramePump(self._lane, self._session, models)
        try:
            async with self._decoding(task) as decoding:
                facts = await decoding.opened()
                request = begin(facts)
                pump.pool = self.pool
                async with pump.granting(decoding, facts):  # it decodes while an owner is found
                    begun = await self.begin(request)
                    drawn = request.look if request.want is Want.PICTURE else Look()
                    people, watchful = drawn.needs_people, drawn.hides_faces
                    await pump.run(decoding, facts, begun, waited_ms, people=people, watchful=watchful)
        finally:
            pump.take_back()  # the decoder is dead here
        if not request.frames:
            await self.end(pump.frames)
        self._fed = True
        return decoding.summary

    @asynccontextmanager
    async def _decoding(self, task: ReadVideo | ReadStill) -> AsyncIterator[Decoding]:
        """What decodes the task: the card, or the child that opened it."""
        async with self._lane.decoders.decode(task) as reading:
            facts = await reading.opened()
            card = self._lane.card
            if card is None or not isinstance(task, ReadVideo) or not task.card or not isinstance(facts, VideoFacts):
                yield reading
                return
            on_card = card.decoding(reading, facts, task, self._session)
            if on_card is None:
                yield reading
                return
            self.pool = card.pool
            async with on_card:
                yield on_card

    async def begin(self, request: BeginSession) -> SessionBegun:
        """Find an owner: ask until a render worker has room; it may just be starting.

        Who gives up meanwhile may have one all the same: it is told when the session is left. Raises Unavailable, and
        Rejected for what render cannot make.
        """
        self._asking = asyncio.create_task(self._find_owner(request))
        self._begun = await asyncio.shield(self._asking)
        return self._begun

    async def end(self, frames: int) -> None:
        """Tell the owner that it has had all frames."""
        if self._begun is not None:
            worker = self._begun.worker
            ended = FramesEnded(lane=self._lane.name, session=self._session, worker=worker, frames=frames)
            await self._lane.bus.publish(ended.subject, wire.encode(ended), self._lane.telemetry.headers())
            self._fed = True

    async def released(self, until: float) -> None:
        """Wait until render has given back every frame, or until that time (time.time).

        Raises Unavailable if the render worker dies before.
        """
        pool = self.pool
        while time.time() < until:
            if not self.owner_is_alive:
                raise Unavailable("The render worker of this session died.")
            pool.sweep()
            if not pool.ledger.count_of(self._session):
                return
            await asyncio.sleep(RELEASE_POLL_SECONDS)

    async def _find_owner(self, request: BeginSession) -> SessionBegun:
        body, end = wire.encode(request), time.monotonic() + BEGIN_SECONDS
        while True:
            try:
                reply = await self._lane.bus.request(
                    begin_subject(self._lane.name), body, self._lane.telemetry.headers()
                )
                answer = wire.decode(reply, _begun)
                if isinstance(answer, SessionBegun):
                    return answer
                if answer.problem is not None:
                    raise Rejected(answer.problem.code, answer.problem.detail)
                pause, sentence = answer.retry_after_seconds, answer.detail or FULL
            except Unavailable as error:
                pause, sentence = 0.1, str(error)
            if self._is_left or time.monotonic() + pause > end:
                raise Unavailable(sentence)
            await asyncio.sleep(pause)

    async def _close(self) -> None:
        """What render still holds is given back; until it has confirmed that, or is dead, it stays in quarantine."""
        pool = self.pool
        pool.sweep()
        self._is_left = True
        if self._begun is None and self._asking is not None:
            with suppress(Unavailable, Rejected):
                self._begun = await self._asking
        if self._begun is None or (self._fed and not pool.ledger.count_of(self._session)):
            return
        while self.owner_is_alive:
            if await self._is_confirmed(self._begun):
                pool.end_session(self._session, confirmed=True)
                return
            pool.end_session(self._session, confirmed=False)
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        pool.sweep()

    async def _is_confirmed(self, begun: SessionBegun) -> bool:
        subject = end_subject(self._lane.name, begun.worker)
        try:
            await self._lane.bus.request(subject, wire.encode(EndSession(session=self._session)))
        except Unavailable:
            return False
        return True
