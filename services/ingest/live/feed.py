"""Feeds a live session from a source that ingest fetches."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from services.ingest.messages.source import TICKS, Kind, SoundFormat, SourceNotice, SourcePacket, VideoFormat
from services.ingest.sources.pulling import PulledSource
from shared.model.errors import Rejected
from shared.model.live import LiveCodec, LiveInput, LivePacket, SoundOpened, SoundPacket

if TYPE_CHECKING:
    from services.ingest.decoders.making import Decoders
    from services.ingest.sources.rules import SourceRules

LATE_SECONDS: Final = 0.1
"""A picture that comes later than that after its time makes all that follows later by as much."""
AHEAD_SECONDS: Final = 4.0
"""So far ahead of its time sound is handed on; outputs hold about twice as much."""
EARLY_BYTES: Final = 4 << 20
"""Of sound that has come earlier than that, kept at most. It is stored before or after pictures of the same time, by up
to a fragment's length, and must hold up none of them."""
EARLY_PIECES: Final = 2000
"""The same in pieces: 42 seconds at 48 kHz, 21 at 96."""
USUAL_RATE: Final = 30.0
LEAST_SIDE: Final = 16
"""Stands for a size that a source does not tell before its first frame."""


class Fed(Protocol):
    """A live session that is fed."""

    @property
    def session(self) -> str:
        """Its name."""
        ...

    def put(self, packet: LivePacket) -> None:
        """A packet has come."""
        ...

    async def switch(self, asked: LiveInput | None) -> None:
        """Packets coded otherwise follow; None: none at all."""
        ...

    async def sound(self, said: SoundOpened | SoundPacket) -> None:
        """Sound beside the pictures."""
        ...

    async def notice(self, kind: str, detail: str) -> None:
        """Something that the client should know of."""
        ...


class Pacer:
    """When packets are due that come faster than they are shown. Knows no clock."""

    def __init__(self) -> None:
        self._offset: float | None = None

    def due(self, shown_seconds: float, now_seconds: float) -> float:
        """When to hand on a packet that is shown at that time of its stream, by the clock of `now_seconds`."""
        if self._offset is None or now_seconds > self._offset + shown_seconds + LATE_SECONDS:
            self._offset = now_seconds - shown_seconds
        return self._offset + shown_seconds

    def sound_due(self, shown_seconds: float, now_seconds: float) -> float:
        """The same of sound, which follows the pictures' pace: wherever it is stored, it changes nothing of that."""
        return now_seconds if self._offset is None else self._offset + shown_seconds - AHEAD_SECONDS


class EarlySound:
    """Sound that has come before its time, in order. Knows no clock."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, SoundOpened | SoundPacket]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether the first has to go before another comes."""
        return len(self._waiting) >= EARLY_PIECES or self._bytes >= EARLY_BYTES

    @property
    def shown_seconds(self) -> float:
        """When the first is heard, by the time of its stream."""
        return self._waiting[0][0]

    def add(self, said: SoundOpened | SoundPacket, shown_seconds: float) -> None:
        """Behind what waits already. shown_seconds: -inf for what is due as soon as it is the first."""
        self._waiting.append((shown_seconds, said))
        self._bytes += _size(said)

    def take(self) -> SoundOpened | SoundPacket:
        """The first, which no longer waits."""
        _, said = self._waiting.popleft()
        self._bytes -= _size(said)
        return said


class SourceFeed:
    """One source and the session that it feeds. Packets are numbered from 0."""

    def __init__(self, url: str, rules: SourceRules, decoders: Decoders, fed: Fed) -> None:
        self._url, self._rules, self._decoders, self._fed = url, rules, decoders, fed
        # Files and playlists are there long before they are shown; a server that sends live has done so in time.
        self._pacer = Pacer() if url.lower().startswith("http") else None
        self._early = EarlySound()
        self._numbers = 0

    async def run(self) -> None:
        """To the source's end. Raises Rejected for one that cannot be read, Unavailable for one that stays away."""
        async with PulledSource(self._url, self._rules, self._decoders) as source:
            async for item in source.packets():
                match item:
                    case VideoFormat():
                        await self._fed.switch(_input_of(item))
                    case SourcePacket():
                        await self._packet(item)
                    case SoundFormat():
                        await self._sound(self._sound_opened(item), -math.inf)
                    case SourceNotice():
                        await self._fed.notice(item.kind, item.detail)
            while self._early:
                await self._first_of_early()
        await self._fed.switch(None)

    async def _packet(self, packet: SourcePacket) -> None:
        if packet.kind is Kind.SOUND:
            session = self._fed.session
            piece = SoundPacket(session=session, pts=packet.pts, duration=packet.duration, body=packet.body)
            await self._sound(piece, packet.dts / TICKS)
            return
        if self._pacer is not None:
            await self._await(self._pacer.due(packet.dts / TICKS, time.monotonic()))
        arrived_ns = time.time_ns()
        number, self._numbers = self._numbers, self._numbers + 1
        self._fed.put(
            LivePacket(number=number, pts=packet.pts, key=packet.key, arrived_ns=arrived_ns, body=packet.body)
        )

    async def _sound(self, said: SoundOpened | SoundPacket, shown_seconds: float) -> None:
        """Hand it on if it is due, or keep it: what is stored behind it may be due before it."""
        if self._pacer is None:
            await self._fed.sound(said)
            return
        while self._early.is_full:
            await self._first_of_early()
        self._early.add(said, shown_seconds)
        await self._await(time.monotonic())

    async def _await(self, due: float) -> None:
        """Wait until then, and hand on meanwhile what sound is due."""
        while self._early and self._early_due(due) <= due:
            await self._first_of_early()
        await _until(due)

    async def _first_of_early(self) -> None:
        await _until(self._early_due(time.monotonic()))
        await self._fed.sound(self._early.take())

    def _early_due(self, now_seconds: float) -> float:
        """When the first of the sound that waits is due: at once before the first picture, and without a pace."""
        if self._pacer is None:
            return now_seconds
        return self._pacer.sound_due(self._early.shown_seconds, now_seconds)

    def _sound_opened(self, sound: SoundFormat) -> SoundOpened:
        return SoundOpened(
            session=self._fed.session,
            codec=sound.codec,
            header=sound.header,
            rate=sound.rate,
            channels=sound.channels,
        )


async def _until(due: float) -> None:
    await asyncio.sleep(max(0.0, due - time.monotonic()))


def _size(said: SoundOpened | SoundPacket) -> int:
    return len(said.body) if isinstance(said, SoundPacket) else len(said.header)


def _input_of(video: VideoFormat) -> LiveInput:
    try:
        codec = LiveCodec(video.codec)
    except ValueError as error:
        raise Rejected("unsupported-media", f"The source's video is {video.codec}, which is not read live.") from error
    return LiveInput(
        codec=codec,
        width=max(LEAST_SIDE, video.width),
        height=max(LEAST_SIDE, video.height),
        rate=video.rate if 0 < video.rate <= 1000 else USUAL_RATE,
        clock_hz=TICKS,
        header=video.header,
    )
