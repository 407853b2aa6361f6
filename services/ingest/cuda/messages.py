"""What ingest and its card decoder say to each other; one message is one packet of a sequenced-packet socket.

A stream's own words go over two connections that OpenStream brings: one to ingest, spoken as with any decoder
(messages/decoder.py: SlotGrant, DecodedFrame, Finished, Refused), and one to the child that reads the file
(messages/coded.py).
"""

from __future__ import annotations

import msgspec

from services.ingest.messages.coded import CodedStream
from shared.model.live import LiveInput
from shared.model.media import VideoFacts

CANNOT = "card-cannot"
"""The code of a Refused: a CPU may be able to."""
SOURCE_GONE = "source-gone"
"""The code of a Refused: the child that reads the file has ended."""


class CodecRange(msgspec.Struct, frozen=True):
    """What of a codec the card's decoders take, of 4:2:0 with 8 bits."""

    codec: str
    """FFmpeg's name."""
    width: tuple[int, int]
    """Samples of a row, least and most."""
    height: tuple[int, int]
    """Rows, least and most."""


class CardReady(msgspec.Struct, frozen=True, tag=True):
    """The card's decoders can be used, and the pool is open."""

    ranges: tuple[CodecRange, ...]
    engines: int
    """Decoders that work at a time; 0 if the card does not say."""
    network: str = ""
    """Whether the process can reach a network, in words for a log."""


class CardUnusable(msgspec.Struct, frozen=True, tag=True):
    """The process ends."""

    why: str


class OpenStream(msgspec.Struct, frozen=True, tag=True):
    """Decode one video. Its connections come with the message as file descriptors: ingest's, then the child's."""

    token: int
    """Chosen by ingest, returned in StreamEnded."""
    coded: CodedStream
    facts: VideoFacts
    """Of its frames as they are to lie in the pool (nv12)."""
    before: int = 0
    """How many frames of the video lie before those that come."""
    end: int | None = None
    """Frames from this pts on are not wanted; None: all are."""
    live: LiveInput | None = None
    """Of a live stream."""


class StreamEnded(msgspec.Struct, frozen=True, tag=True):
    """Nothing is written into the stream's slots any more."""

    token: int


Report = CardReady | CardUnusable | StreamEnded
_encoder = msgspec.msgpack.Encoder()
_openings = msgspec.msgpack.Decoder(OpenStream)
_reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def pack(message: OpenStream | Report) -> bytes:
    """The bytes of one packet."""
    return _encoder.encode(message)


def unpack_opening(packet: bytes) -> OpenStream:
    """What ingest says."""
    return _openings.decode(packet)


def unpack_report(packet: bytes) -> Report:
    """What the card decoder says."""
    return _reports.decode(packet)
