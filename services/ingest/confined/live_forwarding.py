"""The child's side of a live stream that a card may decode: after the first frame it forwards packets, or goes on."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec

from services.ingest.confined.live_reading import LiveReading
from services.ingest.messages.coded import CodedEnded, CodedStream, PacketsWanted
from services.ingest.messages.decoder import CodedFrame, CodedFrameRead, NoMoreFrames, SlotGrant, VideoOpened
from services.ingest.upright import Orientation
from services.ingest.videos.checksum import checksum_of
from services.ingest.videos.planes import orientation_of
from services.ingest.videos.raw_streams import RawStream
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.ingest.messages.decoder import ReadLive, Reply, Request
    from services.ingest.videos.live import LiveDecoder
    from shared.model.pictures import Colour, Geometry

_MOST_KEPT = 64
"""A stream whose first frame comes later than that is left to the CPU."""


class _State(Enum):
    """Where the stream is."""

    PROBING = auto()
    """There is no frame yet."""
    ASKED = auto()
    """The parent knows of the first frame, and has not said who decodes the others. Until then nothing else is said."""
    HERE = auto()
    FORWARDING = auto()


class LiveForwarding:
    """As `LiveReading`, save that after the first frame the parent may want packets instead of granting a slot."""

    def __init__(
        self,
        task: ReadLive,
        decoder: LiveDecoder,
        send: Callable[[Reply], None],
        picture: Callable[[SlotGrant, Geometry, Colour], Picture],
    ) -> None:
        self._decoder, self._send = decoder, send
        self._reading: LiveReading[Picture] = LiveReading(decoder, self._say, picture)
        self._stream = RawStream(task.input.codec, task.input.header)
        self._codec = task.input.codec.value
        self._state = _State.PROBING
        self._kept: list[CodedFrame] = []
        self._answered: set[int] = set()
        self._waiting: list[CodedFrame | NoMoreFrames] = []
        self._held: list[Reply] = []
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """True when the stream has ended and nothing is left to say of it."""
        return self._is_over or (self._state is not _State.FORWARDING and self._reading.is_over)

    def take(self, request: Request) -> None:
        """Do what the parent says. Raises TypeError for what has no place in a live stream, Rejected as the decoder."""
        match self._state:
            case _State.PROBING:
                self._probe(request)
            case _State.ASKED:
                self._decide(request)
            case _State.HERE:
                self._reading.take(request)
            case _State.FORWARDING:
                self._forward(request)

    def _probe(self, request: Request) -> None:
        if isinstance(request, CodedFrame):
            self._kept.append(request)
            if len(self._kept) > _MOST_KEPT:
                self._state = _State.HERE
                self._kept.clear()
        self._reading.take(request)
        if self._state is _State.ASKED and isinstance(request, NoMoreFrames):
            self._waiting.append(request)

    def _decide(self, request: Request) -> None:
        match request:
            case PacketsWanted():
                self._state = _State.FORWARDING
                for kept in self._kept:
                    self._forward(kept)
                for waiting in self._waiting:
                    self._forward(waiting)
            case SlotGrant():
                self._state = _State.HERE
                for reply in self._held:
                    self._send(reply)
                self._reading.take(request)
                for waiting in self._waiting:
                    if isinstance(waiting, CodedFrame) or not self._reading.is_ended:
                        self._reading.take(waiting)
            case CodedFrame() | NoMoreFrames():
                self._waiting.append(request)
            case _:
                raise TypeError(f"{type(request).__name__} in a live stream")

    def _forward(self, request: Request) -> None:
        match request:
            case CodedFrame():
                body = self._stream.packet(request.body)
                answered = request.number in self._answered
                self._send(msgspec.structs.replace(request, body=body, is_answered=answered))
            case NoMoreFrames():
                self._is_over = True
                self._send(CodedEnded(0, early=False))
            case _:
                raise TypeError(f"{type(request).__name__} in a live stream")

    def _say(self, reply: Reply) -> None:
        """What the reading says."""
        match self._state, reply:
            case _State.PROBING, VideoOpened():
                self._state = _State.ASKED
                self._send(VideoOpened(reply.facts, self._coded()))
            case _State.PROBING, CodedFrameRead():
                self._answered.add(reply.number)
                self._send(reply)
            case _State.ASKED, _:
                self._held.append(reply)
            case _:
                self._send(reply)

    def _coded(self) -> CodedStream:
        first, facts, copy = self._decoder.first, self._decoder.facts, self._decoder.copy
        if first is None or facts is None or copy is None:
            raise RuntimeError("The decoder has a first frame when its reading says so.")
        picture = Picture.blank(facts.geometry, facts.colour)
        copy.write(first, picture)
        return CodedStream(
            codec=self._codec,
            pixels=first.format.name,
            upright=orientation_of(first) == Orientation(),
            interlaced=first.interlaced_frame,
            fits=(first.width, first.height) == (facts.geometry.width, facts.geometry.height),
            begins=first.pts,
            checksum=checksum_of(picture),
        )
