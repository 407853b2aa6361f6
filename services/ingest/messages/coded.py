"""What is said of a video that a card may decode: how it is coded, and its packets.

| from | to | message | when |
|---|---|---|---|
| child | ingest | VideoOpened with a CodedStream | the first frame is decoded, if ReadVideo asked for it |
| ingest | child | PacketsWanted | instead of the first grant: it shall read on, and decode nothing |
| child | card decoder | CodedPacket | from then on, over the same connection, which ingest has handed on |
| child | card decoder | CodedEnded, Refused | once, last |

Of a live stream ReadLive asks, and the packets are CodedFrames: from ingest to the child as ever, and from there, as a
decoder of raw streams takes them, to the card decoder.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

MOST_PACKET_BYTES = 16 << 20
"""Of one coded frame. The largest that H.264 and HEVC allow of 4:2:0 in 4096 x 2304 is a little smaller."""
_TIME = msgspec.Meta(ge=-(1 << 62), le=1 << 62)


class CodedStream(msgspec.Struct, frozen=True):
    """How a video is coded, and what its first frame is when a CPU decodes it."""

    codec: str
    """FFmpeg's name."""
    pixels: str
    """FFmpeg's name for the layout of decoded samples."""
    upright: bool = True
    """False: it is to be turned or mirrored."""
    interlaced: bool = False
    fits: bool = True
    """False: frames have another size than the facts say."""
    begins: Annotated[int, _TIME] | None = None
    """The pts of the first frame that is to be delivered, of a live stream the number of its packet; None if it has
    none, or if it lies too far from where packets can be read from."""
    checksum: int = 0
    """Of that frame, see videos/checksum.py."""


class PacketsWanted(msgspec.Struct, frozen=True, tag=True):
    """A card decodes: send packets, and expect no grant."""


class CodedPacket(msgspec.Struct, frozen=True, tag=True):
    """One packet, as a decoder of raw streams takes it: H.264 and HEVC as Annex B. Times are in units of the facts."""

    number: int
    """From 0 without a gap."""
    pts: Annotated[int, _TIME] | None
    dts: Annotated[int, _TIME] | None
    duration: Annotated[int, _TIME]
    """0 if the file does not say."""
    is_damaged: bool
    """By what the container says; and if no other segment of the video has it."""
    is_hidden: bool
    """True: its frame is decoded for others only."""
    body: bytes


class CodedEnded(msgspec.Struct, frozen=True, tag=True):
    """There are no more packets."""

    damaged: int
    """Places where the file could not be read."""
    early: bool
    """True if the file stops before what it announces."""
