"""What a fetched source is made of, and what the process that demuxes it and its parent say to each other.

| from | message | when |
|---|---|---|
| parent | ReadSource | once, first: the task |
| child | LineWanted | FFmpeg has connected: a line to the source's server is needed |
| both | SourceBytes, SourceEnded | any time: a line's bytes; line 0 has what the parent fetched, for the child |
| parent | SourceCut | what follows on line 0 goes not on with what came before |
| child | VideoFormat, SoundFormat | before the first packet of that form |
| child | SourcePacket, SourceNotice | any time |
| child | Finished, Refused | once, last |

The child has no network: lines are its only way out, and each leads to the source's own host and port.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

TICKS = 90_000
"""Units of time a second."""
FETCHED = 0
"""The line of what the parent fetched."""
MOST_LINES = 8
"""Connections that one reading may make: one, and some more where FFmpeg connects anew to authenticate."""
_TIME = msgspec.Meta(ge=-(1 << 62), le=1 << 62)
_SIDE = msgspec.Meta(ge=0, le=65_536)


class Kind(StrEnum):
    """What a packet holds."""

    VIDEO = "video"
    SOUND = "sound"


class ReadSource(msgspec.Struct, frozen=True, tag=True):
    """Demux a fetched source."""

    url: str = ""
    """To speak RTMP, RTSP or SRT with over a line; empty for a file or playlist that the parent fetches."""
    srt_program: str = ""
    """FFmpeg's command line with SRT, for a URL of it."""
    unconfined: bool = False
    """Whether to go on where the kernel refuses a network namespace."""


class LineWanted(msgspec.Struct, frozen=True, tag=True):
    """A connection to the source's server is needed."""

    line: Annotated[int, msgspec.Meta(ge=1, le=MOST_LINES)]


class SourceBytes(msgspec.Struct, frozen=True, tag=True):
    """Some bytes of a line, in order; of SRT's line one datagram."""

    body: bytes
    line: int = FETCHED


class SourceCut(msgspec.Struct, frozen=True, tag=True):
    """What follows has its own header and its own times."""


class SourceEnded(msgspec.Struct, frozen=True, tag=True):
    """A line has no more bytes."""

    line: int = FETCHED


class VideoFormat(msgspec.Struct, frozen=True, tag=True):
    """How the packets of video that follow are coded."""

    codec: Annotated[str, msgspec.Meta(max_length=16)]
    """A LiveCodec."""
    header: Annotated[bytes, msgspec.Meta(max_length=1 << 16)]
    """Extradata as FFmpeg has it (avcC, hvcC, parameter sets, ...); empty where packets have all."""
    width: Annotated[int, _SIDE] = 0
    """Pixels as the container says; 0: it does not."""
    height: Annotated[int, _SIDE] = 0
    rate: float = 0.0
    """Frames a second as the container says; 0: it does not."""


class SoundFormat(msgspec.Struct, frozen=True, tag=True):
    """How the packets of sound that follow are coded."""

    codec: Annotated[str, msgspec.Meta(max_length=16)]
    """`aac`: packets without ADTS headers."""
    header: Annotated[bytes, msgspec.Meta(max_length=1 << 12)]
    """AudioSpecificConfig."""
    rate: Annotated[int, msgspec.Meta(ge=1, le=384_000)]
    """Samples a second."""
    channels: Annotated[int, msgspec.Meta(ge=1, le=64)]


class SourcePacket(msgspec.Struct, frozen=True, tag=True):
    """A coded frame, or a piece of coded sound. Times are in 1/90000 of a second."""

    kind: Kind
    pts: Annotated[int, _TIME]
    dts: Annotated[int, _TIME]
    """Of one kind always later than the one before, once the parent has placed it."""
    duration: Annotated[int, msgspec.Meta(ge=0, le=1 << 32)]
    """0: unknown."""
    key: bool
    body: bytes
    leg: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 0
    """Counts up where the source began anew; its first packet of video is a key frame."""


class SourceNotice(msgspec.Struct, frozen=True, tag=True):
    """Something that the client should know of."""

    kind: Annotated[str, msgspec.Meta(max_length=32)]
    """`source-stalled`, `source-lost`, `source-recovered`, `sound-left-out`."""
    detail: Annotated[str, msgspec.Meta(max_length=300)]
    """One sentence for a person, without anything of a URL but scheme and host."""
