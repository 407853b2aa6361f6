"""Feeds a live session from a source that ingest fetches."""

from __future__ import annotations

import asyncio
import time
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
"""So far ahead of its time sound is handed on. It is stored before or after pictures of the same time, by up to a
fragment's length, and must hold up none of them; outputs hold about twice as much."""
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


class SourceFeed:
    """One source and the session that it feeds. Packets are numbered from 0."""

    def __init__(self, url: str, rules: SourceRules, decoders: Decoders, fed: Fed) -> None:
        self._url, self._rules, self._decoders, self._fed = url, rules, decoders, fed
        # Files and playlists are there long before they are shown; a server that sends live has done so in time.
        self._pacer = Pacer() if url.lower().startswith("http") else None
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
                        await self._fed.sound(self._sound_opened(item))
                    case SourceNotice():
                        await self._fed.notice(item.kind, item.detail)
        await self._fed.switch(None)

    async def _packet(self, packet: SourcePacket) -> None:
        if self._pacer is not None:
            pace = self._pacer.sound_due if packet.kind is Kind.SOUND else self._pacer.due
            due = pace(packet.dts / TICKS, time.monotonic())
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        if packet.kind is Kind.SOUND:
            session = self._fed.session
            await self._fed.sound(
                SoundPacket(session=session, pts=packet.pts, duration=packet.duration, body=packet.body)
            )
            return
        arrived_ns = time.time_ns()
        number, self._numbers = self._numbers, self._numbers + 1
        self._fed.put(
            LivePacket(number=number, pts=packet.pts, key=packet.key, arrived_ns=arrived_ns, body=packet.body)
        )

    def _sound_opened(self, sound: SoundFormat) -> SoundOpened:
        return SoundOpened(
            session=self._fed.session,
            codec=sound.codec,
            header=sound.header,
            rate=sound.rate,
            channels=sound.channels,
        )


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
