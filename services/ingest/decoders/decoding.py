"""One task in one child process, seen from the parent. What a child says is checked as if it were the enemy's."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Protocol, Self

import msgspec

from services.ingest.decoders.conversation import MOST_LATER_BYTES, Conversation
from services.ingest.messages.coded import PacketsWanted
from services.ingest.messages.decoder import (
    AssetRead,
    DecodedFrame,
    Finished,
    GoesOn,
    Join,
    Joined,
    PlanVideo,
    ReadStill,
    Refused,
    SlotGrant,
    StillOpened,
    VideoOpened,
    VideoPlanned,
)
from shared.model.errors import Rejected, Unavailable
from shared.model.media import DecodeSummary, MediaKind, VideoFacts
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from services.ingest.limits import IngestLimits
    from services.ingest.messages.coded import CodedStream
    from services.ingest.messages.decoder import Reply, Task
    from shared.model.media import Facts, Plan


_LONG_PATIENCE = 10
"""Moving the index to the front of a joined file takes as long as the disk takes, without a word in between."""
_MOST_PLAN_BYTES = 4 << 20
"""A day in the shortest segments has some 43,000 of up to 55 bytes each."""


class DecoderDied(Unavailable):
    """A decoder process crashed, was killed, or broke the protocol; another try may go well."""


class DecoderExceeded(Rejected):
    """A decoder process passed a limit (`too-demanding`); another try would end the same way."""

    def __init__(self, detail: str) -> None:
        super().__init__("too-demanding", detail)


class DecodingProcess(Protocol):
    """What decodes one thing: a child process, or a stream in the card's decoder."""

    connection: socket.socket

    @property
    def is_dead(self) -> bool:
        """True once nobody can write for it any more."""
        ...

    def kill(self) -> None:
        """End it at once; harmless if it is dead already."""
        ...

    async def died(self) -> None:
        """Wait until it is dead."""
        ...

    async def ended(self) -> int | None:
        """Wait until it is dead: its exit status, minus the signal's number, or None if nobody knows."""
        ...


class Decoding:
    """One task in one child process. An asynchronous context: on leaving it the child is dead, whatever happened."""

    def __init__(
        self, take_child: Callable[[], Awaitable[DecodingProcess]], task: Task, limits: IngestLimits, pool_bytes: int
    ) -> None:
        """take_child: gives a process that has served nobody yet. pool_bytes: size of the file that it has mapped."""
        self._take_child, self.task = take_child, task
        self._limits, self._pool_bytes = limits, pool_bytes
        self._granted: set[int] = set()
        self._facts: Facts | None = None
        self.coded: CodedStream | None = None
        """After `opened`, of a video of which it was asked: how it is coded."""
        self._summary: DecodeSummary | None = None
        self._frames = 0
        self._last_pts: int | None = None
        self._patience = limits.decoder_stall_seconds * (_LONG_PATIENCE if isinstance(task, Join | PlanVideo) else 1)
        self._loop = asyncio.get_running_loop()
        self._owes_since = self._watched_at = self._loop.time()

    async def __aenter__(self) -> Self:
        self._child = await self._take_child()
        try:
            most = _MOST_PLAN_BYTES if isinstance(self.task, PlanVideo) else MOST_LATER_BYTES
            self._talk = await Conversation.over(self._child.connection, most)
            self._begin()
        except BaseException:
            self._child.kill()
            raise
        self._watch()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watching.cancel()
        self._child.kill()
        self._talk.close()
        await finish(self._child)

    @property
    def summary(self) -> DecodeSummary:
        """What could be read; known when `frames` is over."""
        if self._summary is None:
            raise RuntimeError("The summary is known when there are no more frames.")
        return self._summary

    @property
    def is_over(self) -> bool:
        """True once the child is dead: from then on nobody writes into the slots that it was granted."""
        return self._child.is_dead

    @property
    def unused(self) -> tuple[int, ...]:
        """Slots that were granted and hold no frame. After the context they can be used for something else."""
        return tuple(self._granted)

    async def opened(self) -> Facts:
        """What the picture or video says of itself. Call it first.

        Raises Rejected (DecoderExceeded for a passed limit of the process) or DecoderDied.
        """
        if self._facts is None:
            reply = await self._next()
            wanted = StillOpened if isinstance(self.task, ReadStill) else VideoOpened
            if not isinstance(reply, wanted):
                raise DecoderDied("The decoder did not say first what it had opened.")
            self._facts = checked_facts(reply.facts, self._limits)
            self.coded = reply.coded if isinstance(reply, VideoOpened) else None
        return self._facts

    def hand_over(self) -> int:
        """Instead of any grant: have the child send packets, of which nothing is heard here.

        Answers a file descriptor of its connection, the caller's to close.
        """
        connection = self._talk.hand_over()
        self._talk.say(PacketsWanted())
        return connection

    def kill(self) -> None:
        """End the child before the context does."""
        self._child.kill()

    async def cause(self) -> Exception:
        """Wait until the child is dead: why it is. A DecoderDied or DecoderExceeded."""
        return cause_of_death(await self._child.ended(), self._limits)

    def grant(self, slot: int, offset_bytes: int, size_bytes: int) -> None:
        """Let the child write one frame into this part of the pool; it answers with the slot's number.

        Raises ValueError for a part that is not in the pool, is too small for a frame, or for a slot granted already.
        """
        if offset_bytes < 0 or size_bytes < 1 or offset_bytes + size_bytes > self._pool_bytes:
            raise ValueError(f"{offset_bytes}+{size_bytes} does not lie in the pool of {self._pool_bytes} bytes")
        if slot in self._granted:
            raise ValueError(f"slot {slot} is granted already")
        if self._facts is not None and size_bytes < self._facts.geometry.size_bytes:
            raise ValueError(f"a frame takes {self._facts.geometry.size_bytes} bytes, not {size_bytes}")
        if not self._granted:
            self._owes_since = self._loop.time()
        self._granted.add(slot)
        self._talk.say(SlotGrant(slot, offset_bytes, size_bytes))

    async def frames(self) -> AsyncIterator[DecodedFrame]:
        """Each frame when it is written, in order; at the end the summary is known. Raises as `opened` does."""
        await self.opened()
        while True:
            reply = await self._next()
            if isinstance(reply, Finished):
                if reply.summary.frames != self._frames:
                    raise DecoderDied("The decoder counts other frames than it sent.")
                self._summary = reply.summary
                return
            yield self._checked_frame(reply)

    async def joined(self) -> MediaKind:
        """Wait until a Join is done: what was written. Raises as `opened` does."""
        while True:
            reply = await self._next()
            if isinstance(reply, Joined):
                return reply.kind
            if not isinstance(reply, GoesOn):
                raise DecoderDied("The decoder sent something else than the progress of a join.")

    async def planned(self) -> Plan:
        """Wait until a PlanVideo is done: where the video can be cut. Raises as `opened` does."""
        while True:
            reply = await self._next()
            if isinstance(reply, VideoPlanned):
                return checked_plan(reply.plan, self._limits)
            if not isinstance(reply, GoesOn):
                raise DecoderDied("The decoder sent something else than the progress of a plan.")

    async def asset_read(self) -> None:
        """Wait until a ReadAsset is done; what it has written is still to be checked. Raises as `opened` does."""
        if not isinstance(await self._next(), AssetRead):
            raise DecoderDied("The decoder sent something else than that it has read an asset.")

    def _checked_frame(self, reply: Reply) -> DecodedFrame:
        if not isinstance(reply, DecodedFrame) or reply.slot not in self._granted:
            raise DecoderDied("The decoder sent a frame that nobody had made room for.")
        if reply.sequence != self._frames or (self._last_pts is not None and reply.pts <= self._last_pts):
            raise DecoderDied("The decoder sent frames out of order.")
        self._granted.remove(reply.slot)
        self._frames += 1
        self._last_pts = reply.pts
        return reply

    async def _next(self) -> Reply:
        try:
            reply = await self._talk.hear()
        except EOFError:
            raise await self.cause() from None
        except msgspec.DecodeError as error:
            raise DecoderDied(f"The decoder sent what is no message of a decoder: {error}.") from error
        if isinstance(reply, Refused):
            raise await self._refusal(reply)
        return reply

    def _begin(self) -> None:
        self._talk.say(self.task)

    async def _refusal(self, reply: Refused) -> Exception:
        """What a refusal means here."""
        return DecoderExceeded(reply.detail) if reply.code == "too-demanding" else Rejected(reply.code, reply.detail)

    def _stalled(self) -> Exception:
        """What a silence that is too long means here."""
        return DecoderExceeded(f"Reading it made no progress for {self._patience} seconds (decoder_stall_seconds).")

    @property
    def _owes(self) -> bool:
        """Whether the child has something to do, and is to be heard of soon."""
        return bool(self._granted) or self._facts is None

    def _watch(self) -> None:
        """Every now and then: a child that owes a reply may not be silent for long."""
        most, now = self._patience, self._loop.time()
        if now - self._watched_at > most / 2:  # twice as long as between two looks: we stood still ourselves
            self._owes_since = now
        self._watched_at = now
        silent_since = max(self._talk.heard_at, self._owes_since)
        if self._owes and now >= silent_since + most:
            self._talk.fail(self._stalled())
            return
        self._watching = self._loop.call_later(most / 4, self._watch)


async def finish(child: DecodingProcess) -> None:
    """Wait for the child's death even if the waiting itself is cancelled: its slots depend on it."""
    ended = asyncio.ensure_future(child.died())
    cancelled = False
    while not ended.done():
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


def cause_of_death(status: int | None, limits: IngestLimits) -> DecoderDied | DecoderExceeded:
    """What a child's exit status says: see Child.ended."""
    if status == -signal.SIGXCPU:
        most = limits.decoder_cpu_seconds
        return DecoderExceeded(f"Reading it takes more than {most} seconds of processor time (decoder_cpu_seconds).")
    if status is None:
        return DecoderDied("The decoder process ended together with the process that started it.")
    if status < 0:
        return DecoderDied(f"The decoder process was ended by {signal.Signals(-status).name}.")
    return DecoderDied(f"The decoder process ended without an answer (status {status}).")


def checked_facts(facts: Facts, limits: IngestLimits) -> Facts:
    """Facts within the limits, or DecoderDied."""
    most = limits.max_pixels if isinstance(facts, VideoFacts) else limits.max_still_pixels
    wanted = PixelFormat.I420 if isinstance(facts, VideoFacts) else PixelFormat.RGB24
    size = facts.geometry
    fits = (
        size.format is wanted and min(size.width, size.height) >= limits.min_side and size.width * size.height <= most
    )
    if isinstance(facts, VideoFacts):
        fractions = (*facts.time_base, *facts.frame_rate, *facts.sample_aspect)
        fits = fits and min(fractions) > 0 and facts.field_order in {0, 1, 2} and facts.frames_expected >= 0
    if not fits:
        raise DecoderDied("The decoder described a picture that it should have refused.")
    return facts


def checked_plan(plan: Plan, limits: IngestLimits) -> Plan:
    """A plan whose parts follow one another without a gap, or DecoderDied."""
    checked_facts(plan.facts, limits)
    frames, fits = 0, len(plan.spans) != 1
    for number, span in enumerate(plan.spans):
        later = plan.spans[number + 1] if number + 1 < len(plan.spans) else None
        fits = fits and span.begins <= span.start and span.frames > 0 <= min(span.first, span.warm)
        fits = fits and span.first + span.warm == frames and span.end == (later.start if later else None)
        fits = fits and (later is None or (span.begins < later.begins and span.start < later.start))
        frames += span.frames
    if not fits or frames > limits.max_frames:
        raise DecoderDied("The decoder planned parts that do not make a whole.")
    return plan
