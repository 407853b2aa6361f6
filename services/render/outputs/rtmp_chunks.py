"""RTMP's messages and the chunks that they travel in (Adobe's RTMP specification 1.0, section 5.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from shared.model.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL_CHUNK: Final = 128
"""Bytes of a message in one chunk, until the sender says otherwise."""
LARGEST_MESSAGE: Final = 1 << 20
"""Bytes; servers have little to say to who publishes."""
MOST_STREAMS: Final = 64
SET_CHUNK_SIZE: Final = 1
_EXTENDED: Final = 0xFFFFFF
_HEADER_BYTES: Final = (11, 7, 3, 0)
"""Of the message's head, by the chunk's format."""


class Message(NamedTuple):
    """One message."""

    kind: int
    body: bytes
    timestamp_ms: int = 0
    stream: int = 0


def chunked(message: Message, channel: int, chunk_bytes: int) -> bytes:
    """The bytes of a message on a chunk stream (2..63)."""
    timestamp = message.timestamp_ms & 0xFFFFFFFF
    extended = struct.pack(">I", timestamp) if timestamp >= _EXTENDED else b""
    head = struct.pack(">I", min(timestamp, _EXTENDED))[1:] + struct.pack(">I", len(message.body))[1:]
    pieces = [bytes((channel,)), head, struct.pack("<BI", message.kind, message.stream), extended]
    for start in range(0, max(1, len(message.body)), chunk_bytes):
        if start:
            pieces += [bytes((0xC0 | channel,)), extended]
        pieces.append(message.body[start : start + chunk_bytes])
    return b"".join(pieces)


@dataclass(slots=True)
class _Channel:
    size: int = 0
    kind: int = 0
    stream: int = 0
    timestamp: int = 0
    extended: bool = False
    body: bytes = b""


class ChunkReader:
    """Bytes in, messages out."""

    def __init__(self) -> None:
        self._chunk_bytes = USUAL_CHUNK
        self._waiting = b""
        self._channels: dict[int, _Channel] = {}

    def feed(self, received: bytes) -> Iterator[Message]:
        """The messages that these bytes complete. Raises Malformed."""
        self._waiting += received
        while (taken := self._chunk()) is not None:
            used, channel = taken
            self._waiting = self._waiting[used:]
            if len(channel.body) == channel.size:
                message = Message(channel.kind, channel.body, channel.timestamp, channel.stream)
                channel.body = b""
                self._heed(message)
                yield message

    def _heed(self, message: Message) -> None:
        if message.kind == SET_CHUNK_SIZE:
            (size,) = struct.unpack(">I", message.body[:4].rjust(4, b"\0"))
            if not 0 < size < 1 << 31:
                raise Malformed("The RTMP server wants chunks of a size that cannot be.")
            self._chunk_bytes = size

    def _chunk(self) -> tuple[int, _Channel] | None:
        """How many bytes the first chunk has, and whose it is; None if it is not all there yet."""
        data = self._waiting
        if not data or len(data) < (at := {0: 2, 1: 3}.get(data[0] & 63, 1)):
            return None
        number, form = int.from_bytes(data[1:at], "little") + 64 if at > 1 else data[0] & 63, data[0] >> 6
        head = data[at : at + _HEADER_BYTES[form]]
        at += len(head)
        channel = self._channels.get(number, _Channel())
        extended = head[:3] == b"\xff\xff\xff" if head else channel.extended
        size = int.from_bytes(head[3:6], "big") if form < 2 else channel.size
        start = at + 4 * extended
        begun = channel.body if form == 3 else b""
        length = max(0, min(self._chunk_bytes, size - len(begun)))
        piece = data[start : start + length]
        whole = len(head) == _HEADER_BYTES[form] and len(piece) == length
        if size > LARGEST_MESSAGE or len(self._channels) > MOST_STREAMS:
            raise Malformed("The RTMP server sends more than a server has to say.")
        if not whole or len(data) < start:
            return None
        self._channels[number] = channel
        channel.size, channel.extended = size, extended
        if form < 2:
            channel.kind = head[6]
        if form == 0:
            channel.stream = int.from_bytes(head[7:11], "little")
            channel.timestamp = int.from_bytes(data[at:start] if extended else head[:3], "big")
        channel.body = begun + piece
        return start + len(piece), channel
