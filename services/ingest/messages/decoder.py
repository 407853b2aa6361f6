"""What a decoder process and its parent say to each other: four bytes of length, then MessagePack.

| from | message | when |
|---|---|---|
| parent | ReadVideo, PlanVideo, ReadStill, ReadLive, ReadAsset, Join, ReadSource | once, first: the task |
| parent | SlotGrant | any time: one more slot may be written, once |
| parent | CodedFrame, NoMoreFrames | any time after ReadLive |
| child | VideoOpened, StillOpened | the header is read and within the limits |
| child | DecodedFrame | a granted slot holds a frame |
| child | CodedFrameRead, FramesLate | after each CodedFrame; any time after ReadLive |
| child | GoesOn | now and then, so that a long join or plan is not taken for a stalled one |
| child | Finished, VideoPlanned, AssetRead, Joined, Refused | once, last |

What is said of a fetched source is in source.py, and of a video that a card decodes in coded.py.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec

from services.ingest.messages.coded import CodedEnded, CodedPacket, CodedStream, PacketsWanted
from services.ingest.messages.source import (
    LineWanted,
    ReadSource,
    SoundFormat,
    SourceBytes,
    SourceCut,
    SourceEnded,
    SourceNotice,
    SourcePacket,
    VideoFormat,
)
from shared.model.live import LiveInput
from shared.model.media import DecodeSummary, MediaKind, Plan, Span, StillFacts, VideoFacts

if TYPE_CHECKING:
    import socket

_LENGTH = struct.Struct("<I")


class ReadVideo(msgspec.Struct, frozen=True, tag=True):
    """Decode a video file, or a part of it."""

    path: str
    fit: VideoFacts | None = None
    """What its frames are made to fit; None: the first frame."""
    span: Span | None = None
    """Which frames; None: all."""
    card: bool = False
    """Whether a card may decode it: how it is coded is told with the facts, and packets may be asked for."""


class PlanVideo(msgspec.Struct, frozen=True, tag=True):
    """Say where a video can be cut into segments."""

    path: str
    seconds: float
    """That a segment is to last at most; 0: it is not to be cut."""
    warm_seconds: float
    """That the frames before each are to last at least."""


class ReadStill(msgspec.Struct, frozen=True, tag=True):
    """Decode a still picture."""

    data: bytes


class ReadLive(msgspec.Struct, frozen=True, tag=True):
    """Decode frames as they come. A frame that finds no granted slot waits, until newer ones take its place."""

    input: LiveInput
    fit: VideoFacts | None = None
    """What its frames are made to fit, of a stream that goes on after another; None: its first frame."""
    card: bool = False
    """As ReadVideo has it."""


class ReadAsset(msgspec.Struct, frozen=True, tag=True):
    """Make an upload what it is to be as an asset."""

    source: str
    """The upload."""
    target: str
    """Where to write the prepared asset, see shared.model.assets."""


class Join(msgspec.Struct, frozen=True, tag=True):
    """Put encoded parts and the sound of their source into one file."""

    parts: tuple[str, ...]
    """Files of our own encoder, in order."""
    target: str
    """Where to write; it is replaced."""
    source: str | None = None
    """The upload whose audio and metadata are kept; None for neither."""
    cut_audio: bool = False
    """True: audio ends with the video."""


class SlotGrant(msgspec.Struct, frozen=True, tag=True):
    """Leave to write one frame, once, into this part of the pool."""

    slot: int
    offset_bytes: int
    size_bytes: int


class CodedFrame(msgspec.Struct, frozen=True, tag=True):
    """One packet of a live stream."""

    number: int
    pts: int
    deadline_ns: int
    """After that its frame is of no use, nanoseconds since 1970."""
    body: bytes
    is_answered: bool = False
    """True: the parent was told that it is read, by who had it before."""


class NoMoreFrames(msgspec.Struct, frozen=True, tag=True):
    """The live stream ends."""


class VideoOpened(msgspec.Struct, frozen=True, tag=True):
    """The first frame is decoded."""

    facts: VideoFacts
    coded: CodedStream | None = None
    """If it was asked whether a card may decode it."""


class StillOpened(msgspec.Struct, frozen=True, tag=True):
    """The header is read."""

    facts: StillFacts


class DecodedFrame(msgspec.Struct, frozen=True, tag=True):
    """The slot holds this frame; the child will not touch it again."""

    slot: int
    sequence: int
    """From 0."""
    pts: int
    """In units of the facts' time base; 0 for a still."""
    duration: int
    """As pts."""
    number: int = 0
    """Of the packet that it came in; of a live stream."""


class CodedFrameRead(msgspec.Struct, frozen=True, tag=True):
    """One packet of a live stream was decoded, or cannot be."""

    number: int
    is_damaged: bool = False
    passed_over: tuple[int, ...] = ()
    """Numbers of frames that were decoded for nothing: no slot was granted, and newer ones came."""
    waiting: int = 0
    """Frames that wait for a slot now."""


class FramesLate(msgspec.Struct, frozen=True, tag=True):
    """Frames of a live stream whose deadline passed while they waited for a slot."""

    numbers: tuple[int, ...]


class GoesOn(msgspec.Struct, frozen=True, tag=True):
    """The child is at work on something long."""


class VideoPlanned(msgspec.Struct, frozen=True, tag=True):
    """Where the video can be cut."""

    plan: Plan


class Finished(msgspec.Struct, frozen=True, tag=True):
    """There are no more frames."""

    summary: DecodeSummary


class AssetRead(msgspec.Struct, frozen=True, tag=True):
    """The target is written."""


class Joined(msgspec.Struct, frozen=True, tag=True):
    """The target is written."""

    kind: MediaKind


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The input is at fault; see shared.model.errors.Rejected."""

    code: str
    detail: str


Task = ReadVideo | PlanVideo | ReadStill | ReadLive | ReadAsset | Join | ReadSource
Request = Task | SlotGrant | PacketsWanted | CodedFrame | NoMoreFrames | SourceBytes | SourceCut | SourceEnded
SourceReply = VideoFormat | SoundFormat | SourcePacket | SourceNotice | LineWanted | SourceBytes | SourceEnded
FrameReply = VideoOpened | StillOpened | DecodedFrame | CodedFrameRead | FramesLate
CodedReply = CodedPacket | CodedFrame | CodedEnded
Reply = FrameReply | CodedReply | GoesOn | Finished | VideoPlanned | AssetRead | Joined | Refused | SourceReply
_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def framed(message: Request | Reply) -> bytes:
    """The bytes of one message as they go over the socket."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def receive_request(connection: socket.socket) -> Request:
    """The next message of the parent, blocking. Raises EOFError when the parent has gone."""
    (length,) = _LENGTH.unpack(_receive(connection, _LENGTH.size))
    return _requests.decode(_receive(connection, length))


def unpack_reply(body: bytes | bytearray) -> Reply:
    """The reply in an unframed message. Raises msgspec.DecodeError for what is none."""
    return _replies.decode(body)


def _receive(connection: socket.socket, size: int) -> bytes:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        count = connection.recv_into(view)
        if not count:
            raise EOFError("The parent has gone.")
        view = view[count:]
    return bytes(received)
