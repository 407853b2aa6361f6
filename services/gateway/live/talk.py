"""The conversation of a live stream that a lane has taken: packets there, frames back, and nothing unaccounted for."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from services.gateway.live.flow import LiveFlow
from services.gateway.live.giving import Giver
from services.gateway.live.messages import (
    began_message,
    look_changed_message,
    look_refused_message,
    notice_message,
)
from services.gateway.live.notices import DropTally
from services.gateway.live.parts import FrameParts
from services.gateway.live.queue import Drawn
from services.gateway.live.taking import Taker
from services.gateway.problems import Refusal
from services.gateway.quotas import frames_of_facts
from shared.model.errors import Unavailable, VisavisError
from shared.model.live import (
    DRAINING,
    FramesSkipped,
    KeyFrameAwaited,
    LiveBegan,
    LiveFrame,
    LiveNoticed,
    LookRefused,
    Place,
    Reason,
)
from shared.runtime.telemetry import sent_ns_of
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from services.gateway.live.account import LiveAccount
    from services.gateway.live.desk import LiveDesk
    from services.gateway.live.giving import Send
    from services.gateway.live.lane import LaneLink
    from services.gateway.live.taking import Client
    from services.gateway.quotas import Hold
    from shared.model.live import FromLane, LiveSettings
    from shared.transport.bus import Received

TICK_SECONDS = 0.1
NOTICE_SECONDS = 1.0
FINISH_SECONDS = 5.0
"""When no packet follows, what is under way has so long to come, beside the stream's own delay."""


class LiveTalk:
    """Four things at a time: taking from the client, hearing the lane, giving to the client, and watching the clock."""

    def __init__(
        self, desk: LiveDesk, link: LaneLink, settings: LiveSettings, account: LiveAccount, client: Client, send: Send
    ) -> None:
        self._desk = desk
        self._link = link
        self._settings = settings
        self._account = account
        self._tally = DropTally()
        self._flow = LiveFlow(link)
        self._giver = Giver(send, settings, account, self._tally, desk.telemetry, desk.measures)
        self._taker = Taker(client, desk, link, settings, account, self._flow, self._giver)
        self._parts = FrameParts(desk.settings.max_reply_bytes)
        self._look = 0
        """Which change of the look the last frame was drawn by."""
        self._draining = False
        self._stopped: VisavisError | None = None
        self.hold: Hold | None = None
        """What it has of its key's pixels; None: nobody counts."""

    def stop(self, why: VisavisError) -> None:
        """End the conversation soon."""
        self._stopped = why

    async def run(self, first: streams_pb2.ServerMessage) -> None:
        """Until the lane has finished and the client has all, or until one of them breaks off. Raises as LiveCall.

        first: the first word to the client.
        """
        self._giver.tell(first)
        try:
            async with asyncio.TaskGroup() as tasks:
                beating, watching = tasks.create_task(self._link.beat()), tasks.create_task(self._watch())
                giving = tasks.create_task(self._giver.run())
                hearing = tasks.create_task(self._hear())
                taking = tasks.create_task(self._take(hearing))
                await asyncio.wait({hearing})  # if it fails, the group cancels this
                taking.cancel()
                beating.cancel()  # nobody hears the lane any more, so that its silence says nothing
                self._settle(finished=self._link.finished)
                self._giver.end()
                await asyncio.wait({giving})
                watching.cancel()
        except BaseExceptionGroup as group:
            error = _first(group)
            if isinstance(error, VisavisError):
                with suppress(Exception):  # the client may be gone, and what counts is the error
                    await self._giver.last_word()
            raise error from None
        finally:
            self._account.close()

    async def _take(self, hearing: asyncio.Task[None]) -> None:
        """All that the client says; then the lane has a while to finish."""
        await self._taker.run()
        await asyncio.sleep(self._settings.max_delay_ms / 1000 + FINISH_SECONDS)
        hearing.cancel()

    async def _hear(self) -> None:
        async for message, received in self._link.heard():
            self._heard(message, received)
            await self._follow()

    def _heard(self, message: FromLane, received: Received) -> None:
        match message:
            case LiveFrame():
                self._frame(message, received)
            case FramesSkipped(reason=None):
                self._tally.fail(self._account.fail(message.numbers))
            case FramesSkipped():
                self._drop(message.numbers, message.place, message.reason or Reason.LOST)
            case LiveBegan():
                self._began(message)
            case LookRefused():
                problem = message.problem
                self._giver.tell(look_refused_message(message.change, problem.code, problem.detail))
            case KeyFrameAwaited():
                self._taker.skip_to_key(message.after)
                self._want_key()
            case LiveNoticed() if self._giver.has_room:
                self._giver.tell(notice_message(message.kind, message.detail))

    def _began(self, message: LiveBegan) -> None:
        """Raises Refusal `quota-exceeded` if frames are larger than the client has said, and than its key may have."""
        if self.hold is not None:
            self.hold.take(*frames_of_facts(message.facts))
        self._giver.tell(began_message(message))

    def _want_key(self) -> None:
        if self._giver.has_room:
            self._giver.tell(notice_message("key-frame-wanted", "Packets came too fast to be decoded in time."))

    def _frame(self, part: LiveFrame, received: Received) -> None:
        whole, lost = self._parts.add(part)
        if lost is not None:
            self._drop((lost,), Place.GATEWAY, Reason.LOST)
            self._giver.frames.break_off()
        if whole is None or not self._account.take(whole.number):
            return
        pts = self._taker.pts_of(whole.number, whole.pts)
        whole = msgspec.structs.replace(whole, pts=pts, dts=whole.dts + pts - whole.pts)
        if whole.look > self._look:
            self._look = whole.look
            self._giver.tell(look_changed_message(whole.look, whole.pts))
        now = time.time_ns()
        self._giver.put(Drawn(whole, sent_ns_of(received.headers, now), time.monotonic()))

    async def _watch(self) -> None:
        """What must happen although nothing comes. Raises when the stream must end."""
        told_at = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            self._refuse_to_go_on(now)
            self._giver.drop_overdue()
            await self._follow()
            if now - told_at >= NOTICE_SECONDS and self._giver.has_room:
                told_at = now
                if self._taker.waits_for_key():
                    self._want_key()
                for notice in self._tally.tell():
                    self._giver.tell(streams_pb2.ServerMessage(notice=notice))

    async def _follow(self) -> None:
        """Have the lane draw no more than the client takes."""
        frames = self._giver.frames
        await self._flow.follow(held=frames.is_held(time.monotonic()), broken=frames.broken)

    def _refuse_to_go_on(self, now: float) -> None:
        if self._stopped is not None:
            raise self._stopped
        if self._desk.stop_at is not None:
            self._drain(now, self._desk.stop_at)
        settings = self._desk.settings
        if self._giver.sending_since is not None and now - self._giver.sending_since > settings.live_idle_seconds:
            seconds = f"{settings.live_idle_seconds:g}"
            raise Refusal("idle", f"Nothing of what was sent was taken for {seconds} s (live_idle_seconds).")
        name = "live_paused_seconds" if self._flow.paused else "live_idle_seconds"
        seconds = getattr(settings, name)
        if self._taker.heard_at is not None and now - self._taker.heard_at > seconds:
            raise Refusal("idle", f"Nothing came on the stream for {seconds:g} s ({name}).")

    def _drain(self, now: float, stop_at: float) -> None:
        if now >= stop_at:
            raise Unavailable("This gateway is being stopped: come to another with the resume token.")
        if not self._draining:
            self._draining = True
            detail = "This gateway is being stopped: open the stream anew with the resume token, and end this one."
            self._giver.tell(notice_message(DRAINING, detail))

    def _settle(self, *, finished: bool) -> None:
        failed = self._account.failed
        lost = self._account.dropped[Place.INGEST, Reason.LOST]
        self._account.lane_ended(finished=finished)
        self._tally.fail(self._account.failed - failed)
        self._tally.drop(self._account.dropped[Place.INGEST, Reason.LOST] - lost, Place.INGEST, Reason.LOST)

    def _drop(self, numbers: tuple[int, ...], place: Place, reason: Reason) -> None:
        self._tally.drop(self._account.drop(numbers, place, reason), place, reason)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What broke first; the others broke because of it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
