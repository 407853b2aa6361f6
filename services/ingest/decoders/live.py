"""One live stream in one child process, seen from the parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.ingest.decoders.decoding import DecoderDied, Decoding, checked_facts
from services.ingest.messages.decoder import (
    CodedFrame,
    CodedFrameRead,
    DecodedFrame,
    Finished,
    FramesLate,
    NoMoreFrames,
    VideoOpened,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from services.ingest.decoders.decoding import DecodingProcess
    from services.ingest.limits import IngestLimits
    from services.ingest.messages.decoder import ReadLive, Reply
    from shared.model.media import Facts, VideoFacts

    Happening = VideoOpened | DecodedFrame | CodedFrameRead | FramesLate

_MOST_KNOWN = 1024
"""Packets of which a frame may still be told."""


class LiveDecoding(Decoding):
    """Coded frames in, decoded ones out. An asynchronous context: on leaving it the child is dead."""

    def __init__(
        self,
        take_child: Callable[[], Awaitable[DecodingProcess]],
        task: ReadLive,
        limits: IngestLimits,
        pool_bytes: int,
    ) -> None:
        super().__init__(take_child, task, limits, pool_bytes)
        self.live_task = task
        self._under_way: set[int] = set()
        self._known: set[int] = set()

    @property
    def under_way(self) -> int:
        """Packets that the child has not answered yet."""
        return len(self._under_way)

    def put(self, number: int, pts: int, deadline_ns: int, body: bytes) -> None:
        """Have a packet decoded. deadline_ns: after that its frame is of no use."""
        if not self._under_way:
            self._owes_since = self._loop.time()
        self._under_way.add(number)
        self._known.add(number)
        if len(self._known) > _MOST_KNOWN:
            self._known.discard(min(self._known))
        self._tell(CodedFrame(number, pts, deadline_ns, body))

    def end(self) -> None:
        """No packet follows; `happenings` ends when every frame is written or dropped."""
        self._tell(NoMoreFrames())

    def tell(self, message: CodedFrame | NoMoreFrames) -> None:
        """Say something to the child, of which nothing is heard here any more."""
        self._talk.say(message)

    def give_up(self) -> tuple[set[int], set[int]]:
        """Packets that are not answered, and all of which a frame may still be told; they are somebody else's now."""
        given = self._under_way, self._known
        self._under_way, self._known = set(), set()
        return given

    async def happenings(self) -> AsyncIterator[Happening]:
        """What the child says, in order; VideoOpened once, before any frame.

        Raises Rejected for a stream that is at fault, DecoderExceeded or DecoderDied.
        """
        while not isinstance(reply := await self._next(), Finished):
            yield self._checked(reply)
        self._summary = reply.summary

    def _checked(self, reply: Reply) -> Happening:
        match reply:
            case VideoOpened() if self._facts is None:
                self._facts, self.coded = self._checked_facts(reply.facts), reply.coded
            case DecodedFrame():
                self._forget(reply.number)
                return self._checked_frame(reply)
            case CodedFrameRead() if reply.number in self._under_way:
                self._under_way.discard(reply.number)
                self._forget(*reply.passed_over)
            case FramesLate():
                self._forget(*reply.numbers)
            case _:
                raise DecoderDied(f"The decoder of a live stream sent {type(reply).__name__}, out of place.")
        return reply

    def _checked_facts(self, facts: VideoFacts) -> Facts:
        return checked_facts(facts, self._limits)

    def _tell(self, message: CodedFrame | NoMoreFrames) -> None:
        self._talk.say(message)

    def _forget(self, *numbers: int) -> None:
        for number in numbers:
            if number not in self._known:
                raise DecoderDied("The decoder tells of a frame that was never sent, or twice.")
            self._known.discard(number)

    @property
    def _owes(self) -> bool:
        return bool(self._under_way)
