"""One stream that a lane fetches: opened, changed, opened anew when its lane is lost, and counted to its end."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from services.gateway.access import ANYBODY
from services.gateway.live.account import LiveAccount
from services.gateway.live.lane import opened
from services.gateway.problems import Refusal
from services.gateway.quotas import frames_of_facts
from shared.model.errors import Rejected, Unavailable
from shared.model.jobs import Problem
from shared.model.live import (
    DRAINING,
    FramesSkipped,
    LiveBegan,
    LiveEnded,
    LiveFrame,
    LiveNoticed,
    LookRefused,
    LookWanted,
    OpenLive,
    OutputsWanted,
    Reason,
)

if TYPE_CHECKING:
    from services.gateway.access import Caller
    from services.gateway.live.desk import LiveDesk
    from services.gateway.live.lane import LaneLink
    from services.gateway.quotas import Hold
    from services.gateway.streams.wishes import StreamWish
    from shared.model.errors import VisavisError
    from shared.model.live import FromLane, Output
    from shared.model.looks import Look
    from shared.model.media import VideoFacts

TICK_SECONDS = 0.1
PAUSE_SECONDS = 2.0
"""After a lane was lost the next is asked so much later."""
MOST_TRIES = 10
"""In a row without a frame; then the stream has failed."""
MOST_NOTICES = 20
END_SECONDS = 15.0
"""A lane that was told to end has so long for what is under way and for its outputs."""


class StreamState(StrEnum):
    """How a stream stands."""

    OPENING = "opening"  # a lane has it, and no frame came yet
    RUNNING = "running"
    WAITING = "waiting"  # its lane was lost, another is sought
    ENDED = "ended"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """True: nothing more happens."""
        return self in {StreamState.ENDED, StreamState.FAILED}


class StreamNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a stream."""

    kind: str
    detail: str
    at_unix_seconds: float


class LeavingLane(Unavailable):
    """The lane of a stream is being stopped, and another is there."""


class StreamRun:
    """From `run` to its end one stream."""

    def __init__(self, name: str, wish: StreamWish, desk: LiveDesk, trace_id: str, caller: Caller = ANYBODY) -> None:
        self.name = name
        self.caller = caller
        self.hold: Hold | None = None
        """What it has of its key's pixels; None: nobody counts."""
        self.wish = wish
        self.trace_id = trace_id
        self.created_unix_seconds = time.time()
        self.state = StreamState.OPENING
        self.account = LiveAccount(desk.measures.settled)
        self.facts: VideoFacts | None = None
        self.problem: Problem | None = None
        self.notices: deque[StreamNotice] = deque(maxlen=MOST_NOTICES)
        self.restarts = 0
        """How often it was opened anew."""
        self.taken = asyncio.Event()
        """A lane has taken it for the first time."""
        self.changes = 0
        """So much has happened that was worth telling."""
        self.watchers: set[asyncio.Event] = set()
        """Set at every change that is worth telling at once; whoever waits clears its own."""
        self._desk = desk
        self._link: LaneLink | None = None
        self._base = 0
        """Packets of earlier lanes: the number of this lane's first one."""
        self._tries = 0
        self._change = 0
        self._drawn = wish.look
        """The look that frames have."""
        self._looks: dict[int, Look] = {}
        """Those that are wanted and were not seen yet, by their change."""
        self._lane = ""
        self._lane_drains = False
        """Whether its lane is being stopped: it goes on in another as soon as there is one."""
        self._ending: float | None = None
        self._stop = asyncio.Event()
        self._why: VisavisError | None = None

    def stop(self, why: VisavisError) -> None:
        """Its key does not hold any more: have it end soon."""
        self._why = why

    async def run(self) -> None:
        """See the stream through; what goes wrong is its state.

        Raises Refusal or Rejected only if no lane ever took it.
        """
        while not self.state.is_final:
            try:
                await self._leg()
                self._become(StreamState.ENDED)
            except (Unavailable, Refusal) as error:
                await self._again(error)
            except Rejected as error:
                self.fail(error.code, error.detail)
                if not self.taken.is_set():
                    raise

    async def look(self, look: Look) -> None:
        """Another look from now on; the caller has checked it. Raises Refusal `gone` if the stream is over."""
        self._refuse_over()
        self._change += 1
        self._looks[self._change] = look
        self.wish = msgspec.structs.replace(self.wish, look=look)
        if self._link is not None:
            await self._link.say(LookWanted(look=look, change=self._change))

    async def outputs(self, outputs: tuple[Output, ...]) -> None:
        """Other outputs from now on. Raises Refusal `gone` if the stream is over."""
        self._refuse_over()
        self.wish = msgspec.structs.replace(self.wish, outputs=outputs)
        if self._link is not None:
            await self._link.say(OutputsWanted(outputs=outputs))

    async def end(self) -> None:
        """Have the stream come to its end: what is under way still goes out."""
        if self._ending is None and not self.state.is_final:
            self._ending = time.monotonic() + END_SECONDS
            self._stop.set()
            if self._link is not None:
                with suppress(Unavailable):  # the clock ends it then
                    await self._link.say(LiveEnded())

    async def _leg(self) -> None:
        """One session in one lane."""
        desk = self._desk
        wanted = OpenLive(
            session="",
            settings=self.wish.settings,
            context=self.name,
            resume=self.taken.is_set(),
            source=self.wish.source,
            outputs=self.wish.outputs,
        )
        self._change, self._looks, self._drawn, self._base = 0, {}, self.wish.look, self.account.received
        async with opened(desk.bus, desk.telemetry, desk.admission.presence, wanted, but=self._lane) as link:
            self._link, self._lane, self._lane_drains = link, link.lane, False
            self.taken.set()
            try:
                await self._catch_up(link, wanted)
                await self._follow(link)
            finally:
                self._link = None
                self.account.lane_ended(finished=link.finished)

    async def _catch_up(self, link: LaneLink, asked: OpenLive) -> None:
        """Tell the lane what was changed while it was being asked; from now on changes reach it by themselves."""
        if self.wish.look != asked.settings.look:
            await link.say(LookWanted(look=self.wish.look, change=self._change))
        if self.wish.outputs != asked.outputs:
            await link.say(OutputsWanted(outputs=self.wish.outputs))

    async def _follow(self, link: LaneLink) -> None:
        if self._ending is not None:
            await link.say(LiveEnded())
        try:
            async with asyncio.TaskGroup() as tasks:
                clock = [tasks.create_task(link.beat()), tasks.create_task(self._watch())]
                hearing = tasks.create_task(self._hear(link))
                await asyncio.wait({hearing, clock[1]}, return_when=asyncio.FIRST_COMPLETED)
                for task in (hearing, *clock):
                    task.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _hear(self, link: LaneLink) -> None:
        async for message, _ in link.heard():
            self._heard(message)

    def _heard(self, message: FromLane) -> None:
        match message:
            case LiveBegan():
                self.facts = message.facts
                self._reserve(message.facts)
                self._become(StreamState.RUNNING)
            case LiveFrame() if not message.more:
                self._tries = 0
                number = self._reached((message.number,))[0]
                if self.account.take(number):
                    self.account.deliver(number)
                    self._desk.measures.delivered(message.arrived_ns, self.wish.settings.max_delay_ms)
                if message.look in self._looks:
                    self._drawn = self._looks[message.look]
                    self._looks = {change: look for change, look in self._looks.items() if change > message.look}
            case FramesSkipped():
                numbers = self._reached(message.numbers)
                if message.reason is None:
                    self.account.fail(numbers)
                else:
                    self.account.drop(numbers, message.place, message.reason or Reason.LOST)
            case LookRefused():
                self._refused(message)
            case LiveNoticed():
                self.notice(message.kind, message.detail)
                self._lane_drains |= message.kind == DRAINING

    def _reserve(self, facts: VideoFacts) -> None:
        """Count the stream as it is. Raises Rejected `quota-exceeded` if it is more than its key may have."""
        if self.hold is not None:
            try:
                self.hold.take(*frames_of_facts(facts))
            except Refusal as error:
                raise Rejected(error.code, error.detail) from error

    def _reached(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """Numbers of this lane's packets as numbers of the stream's; those that a source has sent are known by them."""
        found = tuple(self._base + number for number in numbers)
        self.account.reach(max(found, default=-1))
        return found

    def _refused(self, message: LookRefused) -> None:
        """The look before stays, unless yet another was wanted meanwhile."""
        self._looks.pop(message.change, None)
        newest = self._looks.get(max(self._looks, default=0), self._drawn)
        self.wish = msgspec.structs.replace(self.wish, look=newest)
        self.notice("look-refused", message.problem.detail)

    def notice(self, kind: str, detail: str) -> None:
        """Something that the client should know of."""
        self.notices.append(StreamNotice(kind=kind, detail=detail, at_unix_seconds=time.time()))
        self._tell()

    async def _watch(self) -> None:
        """Until the stream has had its time to end."""
        while self._ending is None or time.monotonic() < self._ending:
            await asyncio.sleep(TICK_SECONDS)
            if self._lane_drains and self._ending is None and self._desk.admission.presence.warm_lanes():
                raise LeavingLane
            if self._desk.stop_at is not None and self._ending is None:
                self.notice(DRAINING, "The gateway that has this stream is being stopped: open it anew at another.")
                await self.end()
            if self._why is not None and self._ending is None:
                self.notice("key-revoked", str(self._why))
                await self.end()

    async def _again(self, error: Unavailable | Refusal) -> None:
        """Its lane was lost, or none had room: seek another after a while, if that may help.

        One that is ended while no lane has it is over: nothing is under way.
        """
        if not self.taken.is_set():
            raise error
        if self._ending is not None and self.state is StreamState.WAITING:
            self._become(StreamState.ENDED)
            return
        self._tries += not isinstance(error, LeavingLane)
        if self._ending is not None or self._tries >= MOST_TRIES:
            code = error.code if isinstance(error, Refusal) else "unavailable"
            self.fail(code, str(error))
            return
        self.restarts += 1
        if not isinstance(error, LeavingLane):
            self.notice("lane-lost", "The lane that had this stream is gone or has no room: another is sought.")
        self._become(StreamState.WAITING)
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._stop.wait()
        if self._ending is not None:
            self._become(StreamState.ENDED)

    def fail(self, code: str, detail: str) -> None:
        """It is over, and this is why."""
        self.problem = Problem(code, detail)
        self._become(StreamState.FAILED)

    def _become(self, state: StreamState) -> None:
        self.state = state
        self._tell()

    def _tell(self) -> None:
        self.changes += 1
        for woken in self.watchers:
            woken.set()

    def _refuse_over(self) -> None:
        if self.state.is_final or self._ending is not None:
            raise Refusal("gone", "The stream is over.", state=self.state)
