"""In the demuxing process: what the parent fetched, as files that are read once from front to back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.ingest.messages.decoder import receive_request
from services.ingest.messages.source import FETCHED, SourceBytes, SourceCut, SourceEnded

if TYPE_CHECKING:
    import socket


class BytePipe:
    """One leg: bytes until a cut or the end. FFmpeg reads it; it cannot be sought in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting = b""
        self._is_cut = False
        self.is_last = False
        """True once the parent has said that nothing follows."""

    def peek(self, size: int) -> bytes:
        """The first bytes, without taking them; fewer than `size` only where there are no more."""
        while len(self._waiting) < size and (more := self._next()):
            self._waiting += more
        return self._waiting[:size]

    def read(self, size: int) -> bytes:
        """Up to `size` bytes as soon as there are some; none at the end of the leg."""
        data = self._waiting or self._next()
        self._waiting = data[size:]
        return data[:size]

    def skip(self) -> None:
        """Leave out the rest of this leg."""
        self._waiting = b""
        while self._next():
            pass

    def _next(self) -> bytes:
        """Raises EOFError when the parent has gone."""
        while not (self._is_cut or self.is_last):
            match receive_request(self._connection):
                case SourceBytes(body, line) if line == FETCHED:
                    if body:
                        return body
                case SourceCut():
                    self._is_cut = True
                case SourceEnded():
                    self.is_last = True
                case other:
                    raise TypeError(f"a {type(other).__name__} for a file")
        return b""


def format_of(head: bytes) -> str:
    """FFmpeg's name of the container that begins so, or nothing. head: at least 200 bytes where there are so many."""
    if head[:1] == b"\x47" and (len(head) <= 188 or head[188] == 0x47):
        return "mpegts"
    if head[4:8] in {b"ftyp", b"styp", b"moov", b"moof", b"sidx"}:
        return "mov"
    if head.startswith(b"FLV\x01"):
        return "flv"
    return "matroska" if head.startswith(b"\x1a\x45\xdf\xa3") else ""


def has_late_index(head: bytes) -> bool:
    """Whether an MP4 that begins so has its frames before their index: it cannot be read from the front."""
    start = 0
    while len(head) >= start + 8:
        size, kind = int.from_bytes(head[start : start + 4], "big"), head[start + 4 : start + 8]
        if kind in {b"mdat", b"moov", b"moof"}:
            return kind == b"mdat"
        if size < 8:
            return False
        start += size
    return False
