"""The child's side of a live stream: decodes what comes, keeps the newest frames for the slots that it is granted."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from services.ingest.messages.decoder import (
    CodedFrame,
    CodedFrameRead,
    DecodedFrame,
    Finished,
    FramesLate,
    NoMoreFrames,
    SlotGrant,
    VideoOpened,
)
from services.ingest.videos.timeline import MOST_PENDING
from shared.model.errors import Rejected
from shared.model.media import DecodeSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from services.ingest.messages.decoder import Reply, Request
    from shared.model.media import VideoFacts
    from shared.model.pictures import Colour, Geometry

MOST_WAITING: Final = 2
"""Frames that wait for a slot. More would only make those older that are drawn: the oldest is dropped for a new one."""


Target = TypeVar("Target")
"""What a granted slot's planes are to a decoder's frames."""
_Into_contra = TypeVar("_Into_contra", contravariant=True)


class LiveFrame(Protocol[_Into_contra]):
    """One decoded frame, which may be dropped."""

    number: int
    pts: int
    duration: int

    def write_into(self, picture: _Into_contra) -> None:
        """Copy every sample."""
        ...


class LiveFrames(Protocol[_Into_contra]):
    """A decoder of live packets: `videos.live.LiveDecoder` or `cuda.live.CardLiveDecoder`."""

    facts: VideoFacts | None

    def decode(self, number: int, pts: int, body: bytes) -> Iterator[LiveFrame[_Into_contra]]:
        """The frames that are there after one more packet."""
        ...

    def flush(self) -> Iterator[LiveFrame[_Into_contra]]:
        """The frames that are left."""
        ...


class LiveReading(Generic[Target]):
    """One live stream. Without room the oldest frames are dropped, before anything is done for them."""

    def __init__(
        self,
        decoder: LiveFrames[Target],
        send: Callable[[Reply], None],
        picture: Callable[[SlotGrant, Geometry, Colour], Target],
    ) -> None:
        """send: to the parent. picture: the planes of a granted slot."""
        self._decoder, self._send, self._picture = decoder, send, picture
        self._grants: deque[SlotGrant] = deque()
        self._waiting: deque[LiveFrame[Target]] = deque()
        self._deadlines_ns: dict[int, int] = {}
        self._sequence = 0
        self._is_told = False
        self.is_ended = False
        """True when no packet follows."""
        self.is_over = False
        """True when the stream has ended and every frame of it is written or dropped."""

    def take(self, request: Request) -> None:
        """Do what the parent says. Raises TypeError for what has no place in a live stream."""
        match request:
            case CodedFrame():
                self._decode(request)
            case SlotGrant():
                self._grants.append(request)
                self._write()
            case NoMoreFrames():
                with suppress(Rejected):  # a bad end does not take the rest with it
                    self._queue(self._decoder.flush())
                self.is_ended = True
                self._write()
            case _:
                raise TypeError(f"{type(request).__name__} in a live stream")
        if self.is_ended and not self._waiting:
            self.is_over = True
            self._send(Finished(DecodeSummary(frames=self._sequence)))

    def _decode(self, coded: CodedFrame) -> None:
        self._deadlines_ns[coded.number] = coded.deadline_ns
        if len(self._deadlines_ns) > MOST_PENDING:
            del self._deadlines_ns[min(self._deadlines_ns)]  # of a packet that never became a frame
        is_damaged = False
        try:
            self._queue(self._decoder.decode(coded.number, coded.pts, coded.body))
        except Rejected as error:
            if error.code != "damaged-media":
                raise
            is_damaged = True
        self._write()
        over = tuple(self._waiting.popleft().number for _ in range(len(self._waiting) - MOST_WAITING))
        self._forget(over)
        waiting = len(self._waiting)
        if coded.is_answered:
            if over:
                self._send(FramesLate(over))
            return
        self._send(CodedFrameRead(coded.number, is_damaged=is_damaged, passed_over=over, waiting=waiting))

    def _queue(self, images: Iterable[LiveFrame[Target]]) -> None:
        """Have images wait; before the first ever the parent is told what the stream is."""
        for image in images:
            if not self._is_told and self._decoder.facts is not None:
                self._is_told = True
                self._send(VideoOpened(self._decoder.facts))
            self._waiting.append(image)

    def _write(self) -> None:
        late, now_ns = [], time.time_ns()
        while self._waiting and self._grants:
            image = self._waiting.popleft()
            if self._deadlines_ns.pop(image.number, now_ns) < now_ns:
                late.append(image.number)
                continue
            self._write_one(image, self._grants.popleft())
        if late:
            self._forget(late)
            self._send(FramesLate(tuple(late)))

    def _write_one(self, image: LiveFrame[Target], grant: SlotGrant) -> None:
        facts = self._decoder.facts
        assert facts is not None  # noqa: S101  -- there is an image
        image.write_into(self._picture(grant, facts.geometry, facts.colour))
        self._send(DecodedFrame(grant.slot, self._sequence, image.pts, image.duration, image.number))
        self._sequence += 1

    def _forget(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._deadlines_ns.pop(number, None)
