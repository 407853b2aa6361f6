"""Coded pictures and sound as tags of FLV, which is how RTMP carries them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from services.render.outputs.muxing import Muxer

if TYPE_CHECKING:
    from services.render.encoding.packets import EncodedPacket
    from services.render.outputs.muxing import Tracks
    from shared.model.live import SoundPacket

_FILE_HEAD: Final = 9 + 4
"""Bytes before the first tag: the head, and the size of the tag before, which is none."""
_TAG_HEAD: Final = 11
_OPTIONS: Final = {
    "flvflags": "no_duration_filesize",
    "flush_packets": "1",
    "max_interleave_delta": "200000",  # microseconds that pictures wait for sound that does not come
}


class FlvTag(NamedTuple):
    """One tag: sound (8), a picture (9) or words about both (18)."""

    kind: int
    timestamp_ms: int
    body: bytes


class FlvMuxer:
    """Packets in, tags out. The first tags are what players need before the rest."""

    def __init__(self, tracks: Tracks, start: int) -> None:
        """start: the pts that becomes 0 ms."""
        self._written = _Written()
        self._muxer = Muxer(self._written, "flv", tracks, _OPTIONS, start)

    def write(self, packet: EncodedPacket) -> list[FlvTag]:
        """The tags that are ready once this picture is there."""
        self._muxer.write(packet)
        return self._written.take()

    def write_sound(self, packet: SoundPacket) -> list[FlvTag]:
        """The tags that are ready once this piece of sound is there."""
        self._muxer.write_sound(packet)
        return self._written.take()

    def close(self) -> list[FlvTag]:
        """The last tags."""
        self._muxer.close()
        return self._written.take()


class _Written:
    def __init__(self) -> None:
        self._bytes = bytearray()
        self._skip = _FILE_HEAD

    def write(self, piece: bytes, /) -> int:
        self._bytes += piece
        return len(piece)

    def take(self) -> list[FlvTag]:
        if self._skip and len(self._bytes) >= self._skip:
            del self._bytes[: self._skip]
            self._skip = 0
        tags, at = [], 0
        while not self._skip and len(self._bytes) >= at + _TAG_HEAD:
            kind, size = self._bytes[at], int.from_bytes(self._bytes[at + 1 : at + 4], "big")
            end = at + _TAG_HEAD + size + 4
            if len(self._bytes) < end:
                break
            (low, high) = struct.unpack_from(">3sB", self._bytes, at + 4)
            timestamp = int.from_bytes(low, "big") | high << 24
            tags.append(FlvTag(kind, timestamp, bytes(self._bytes[at + _TAG_HEAD : end - 4])))
            at = end
        del self._bytes[:at]
        return tags
