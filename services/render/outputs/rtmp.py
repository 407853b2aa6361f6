"""Publishes to an RTMP server over a connection that somebody else has made (Adobe's RTMP specification 1.0).

Nothing here resolves a name or opens a socket, so that who connects can say where one may connect to. HEVC, AV1 and VP9
travel as Enhanced RTMP (Veovera) has it; whether the server takes them shows.
"""

from __future__ import annotations

import os
import ssl
import struct
import time
from typing import TYPE_CHECKING, Final, NamedTuple, Self
from urllib.parse import urlsplit

from services.render.outputs import amf
from services.render.outputs.rtmp_chunks import SET_CHUNK_SIZE, ChunkReader, Message, chunked
from shared.model.errors import Rejected

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from services.render.outputs.flv import FlvTag

SCHEMES: Final = {"rtmp": 1935, "rtmps": 443}
"""And their ports."""
_HANDSHAKE: Final = 1536
_CHUNK_BYTES: Final = 4096
_RECEIVE_BYTES: Final = 65_536
_ACKNOWLEDGE, _CONTROL, _WINDOW, _DATA, _COMMAND = 3, 4, 5, 18, 20
_PING, _PONG = 6, 7
_CONTROL_CHANNEL, _COMMAND_CHANNEL, _MEDIA_CHANNEL = 2, 3, 4
_FOUR_CC: Final = ["hvc1", "av01", "vp09"]


class RtmpRefused(Exception):  # noqa: N818  -- what the server did
    """The server said no. `code` is its word for it, without what it says of the stream."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RtmpPlace(NamedTuple):
    """What an RTMP URL says."""

    host: str
    port: int
    secure: bool
    app: str
    stream: str
    """The name that is published: a secret."""

    @classmethod
    def of(cls, url: str) -> Self:
        """Raises Rejected for a URL that names no stream on an RTMP server; the sentence repeats nothing of it."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        app, _, stream = parts.path.strip("/").rpartition("/")
        if parts.scheme not in SCHEMES or not host or not app or not stream or "@" in parts.netloc:
            raise Rejected("invalid-output", "An RTMP output's URL looks like rtmp://host/app/stream.")
        named = f"{stream}?{parts.query}" if parts.query else stream
        return cls(host, port or SCHEMES[parts.scheme], parts.scheme == "rtmps", app, named)

    @property
    def tc_url(self) -> str:
        """What the server is told that it was asked for, without the stream."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "rtmps" if self.secure else "rtmp"
        port = "" if self.port == SCHEMES[scheme] else f":{self.port}"
        return f"{scheme}://{host}{port}/{self.app}"


class RtmpPublisher:
    """One stream published over one connection. Raises OSError where that breaks off, RtmpRefused, Malformed."""

    def __init__(self, connection: socket.socket, place: RtmpPlace, timeout_seconds: float) -> None:
        """Takes the connection over. timeout_seconds: for every answer, and for the server to take what it is sent."""
        self._socket, self._place, self._timeout = connection, place, timeout_seconds
        self._reader = ChunkReader()
        self._stream = 0
        self._transactions = 0
        self._received = self._acknowledged = 0
        self._window = 0
        self._socket.settimeout(timeout_seconds)

    def open(self) -> None:
        """Agree with the server on everything that comes before the first tag."""
        self._shake_hands()
        connect = {
            "app": self._place.app, "type": "nonprivate", "flashVer": "FMLE/3.0 (compatible; Visavis)",
            "tcUrl": self._place.tc_url, "fourCcList": _FOUR_CC,
        }  # fmt: skip
        self._ask("connect", connect)
        self._send(Message(SET_CHUNK_SIZE, struct.pack(">I", _CHUNK_BYTES)), _CONTROL_CHANNEL, chunk_bytes=128)
        self._tell("releaseStream", self._place.stream)
        self._tell("FCPublish", self._place.stream)
        result = self._ask("createStream")
        self._stream = int(result[-1]) if result and isinstance(result[-1], int | float) else 1
        self._tell("publish", self._place.stream, "live", stream=self._stream)
        self._wait_until_published()

    def send(self, tag: FlvTag) -> None:
        """Send one tag, and hear what the server has to say meanwhile."""
        body = amf.encode("@setDataFrame") + tag.body if tag.kind == _DATA else tag.body
        self._send(Message(tag.kind, body, tag.timestamp_ms, self._stream), _MEDIA_CHANNEL)
        for message in self._heard_already():
            self._heed(message)

    def close(self) -> None:
        """Say goodbye, if that can be said, and close the connection."""
        try:
            self._tell("FCUnpublish", self._place.stream)
            self._tell("deleteStream", float(self._stream))
        except OSError:
            pass  # it is gone, as we are
        finally:
            self._socket.close()

    def _shake_hands(self) -> None:
        first = struct.pack(">II", 0, 0) + os.urandom(_HANDSHAKE - 8)
        self._socket.sendall(b"\x03" + first)
        answer = self._received_exactly(1 + _HANDSHAKE)
        self._socket.sendall(answer[1:])
        self._received_exactly(_HANDSHAKE)

    def _received_exactly(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            received += self._receive(size - len(received))
        return received

    def _receive(self, most: int = _RECEIVE_BYTES) -> bytes:
        piece = self._socket.recv(most)
        if not piece:
            raise ConnectionResetError("the server has closed the connection")
        self._received += len(piece)
        return piece

    def _send(self, message: Message, channel: int, chunk_bytes: int = _CHUNK_BYTES) -> None:
        self._socket.sendall(chunked(message, channel, chunk_bytes))

    def _tell(self, command: str, *values: amf.Value, stream: int = 0) -> float:
        """Send a command; answers the number under which the server may answer it."""
        self._transactions += 1
        body = amf.encode(command, float(self._transactions), *(values if command == "connect" else (None, *values)))
        size = 128 if command == "connect" else _CHUNK_BYTES
        channel = _MEDIA_CHANNEL if stream else _COMMAND_CHANNEL
        self._send(Message(_COMMAND, body, 0, stream), channel, size)
        return float(self._transactions)

    def _ask(self, command: str, *values: amf.Value) -> list[amf.Value]:
        number = self._tell(command, *values)
        for name, *answer in self._commands():
            if name in {"_result", "_error"} and answer[:1] == [number]:
                if name == "_error":
                    raise RtmpRefused(_code_in(answer))
                return answer
        raise TimeoutError

    def _wait_until_published(self) -> None:
        for name, *answer in self._commands():
            if name == "_error":
                raise RtmpRefused(_code_in(answer))
            if name == "onStatus" and _code_in(answer) == "NetStream.Publish.Start":
                return
            _refuse_errors(name, answer)
        raise TimeoutError

    def _commands(self) -> Iterator[list[amf.Value]]:
        """Commands as they come, until the time is over."""
        until = time.monotonic() + self._timeout
        while time.monotonic() < until:
            for message in self._reader.feed(self._receive()):
                self._heed(message)
                if message.kind == _COMMAND:
                    yield amf.decode(message.body)

    def _heard_already(self) -> list[Message]:
        """What has come, without waiting."""
        messages: list[Message] = []
        self._socket.settimeout(0)
        try:
            while True:
                messages += self._reader.feed(self._receive())
        except (BlockingIOError, ssl.SSLWantReadError):
            return messages
        finally:
            self._socket.settimeout(self._timeout)

    def _heed(self, message: Message) -> None:
        """Answer what wants an answer. Raises RtmpRefused if the server ends the stream."""
        if message.kind == _WINDOW:
            self._window = int.from_bytes(message.body[:4], "big")
        elif message.kind == _CONTROL and message.body[:2] == struct.pack(">H", _PING):
            self._send(Message(_CONTROL, struct.pack(">H", _PONG) + message.body[2:6]), _CONTROL_CHANNEL)
        elif message.kind == _COMMAND:
            name, *answer = amf.decode(message.body)
            _refuse_errors(name, answer)
        if self._window and self._received - self._acknowledged >= self._window // 2:
            self._acknowledged = self._received
            body = struct.pack(">I", self._received & 0xFFFFFFFF)
            self._send(Message(_ACKNOWLEDGE, body), _CONTROL_CHANNEL)


def _refuse_errors(name: amf.Value, answer: list[amf.Value]) -> None:
    if name == "onStatus" and any(isinstance(one, dict) and one.get("level") == "error" for one in answer):
        raise RtmpRefused(_code_in(answer))


def _code_in(answer: list[amf.Value]) -> str:
    """The server's word; only what can be one, for nobody knows what it writes there."""
    codes = [str(one.get("code", "")) for one in answer if isinstance(one, dict)]
    plain = [code for code in codes if code.startswith(("NetConnection.", "NetStream.")) and code.isascii()]
    return plain[-1][:64] if plain else "no reason given"
