"""In the demuxing process: FFmpeg speaks RTMP, RTSP or SRT to a loopback interface of its own, where this thread hands
what it says to the parent and back. The parent has the connection to the server.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import TYPE_CHECKING

from services.ingest.messages.decoder import receive_request
from services.ingest.messages.source import MOST_LINES, LineWanted, SourceBytes, SourceEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.ingest.messages.decoder import Reply

_CHUNK_BYTES = 1 << 16


class Tunnel:
    """Listens on a port of its own. `run` is the thread's body; it ends with the parent."""

    def __init__(self, connection: socket.socket, send: Callable[[Reply], None]) -> None:
        """send: takes a reply from any thread."""
        self._connection, self._send = connection, send
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lines: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ, 0)
        self._selector.register(self._listener, selectors.EVENT_READ, -1)

    def start(self) -> None:
        """Begin; the thread does not keep its process alive."""
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        """Carry bytes until the parent has gone; then FFmpeg's connections end."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                for key, _ in self._selector.select():
                    self._carry(key.data)
        for line in self._lines.values():
            line.close()
        self._listener.close()

    def _carry(self, line: int) -> None:
        if line < 0:
            self._accept()
        elif not line:
            self._deliver()
        elif line in self._lines:
            self._take(line)

    def _accept(self) -> None:
        accepted, _ = self._listener.accept()
        line = len(self._lines) + 1
        if line > MOST_LINES:
            accepted.close()
            return
        self._lines[line] = accepted
        self._selector.register(accepted, selectors.EVENT_READ, line)
        self._send(LineWanted(line))

    def _take(self, line: int) -> None:
        """What FFmpeg says, to the parent."""
        try:
            said = self._lines[line].recv(_CHUNK_BYTES)
        except ConnectionError:
            said = b""
        if said:
            self._send(SourceBytes(said, line))
        else:
            self._end(line)
            self._send(SourceEnded(line))

    def _deliver(self) -> None:
        """What the server says, to FFmpeg."""
        message = receive_request(self._connection)
        if isinstance(message, SourceBytes) and message.line in self._lines:
            try:
                self._lines[message.line].sendall(message.body)
            except OSError:  # FFmpeg has closed it; that is heard of by reading
                return
        elif isinstance(message, SourceEnded) and message.line in self._lines:
            self._end(message.line)

    def _end(self, line: int) -> None:
        """The line stays in the count: its number is not given again."""
        ended = self._lines[line]
        if ended.fileno() >= 0:
            self._selector.unregister(ended)
            ended.close()


class DatagramTunnel:
    """The same for datagrams: one line, to whoever has spoken first."""

    def __init__(self, connection: socket.socket, send: Callable[[Reply], None]) -> None:
        """send: takes a reply from any thread."""
        self._connection, self._send = connection, send
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._is_known = False

    def start(self) -> None:
        """Begin; the thread does not keep its process alive."""
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        """Carry datagrams until the parent has gone."""
        with self._socket, selectors.DefaultSelector() as selector, contextlib.suppress(EOFError):
            selector.register(self._connection, selectors.EVENT_READ, self._deliver)
            selector.register(self._socket, selectors.EVENT_READ, self._take)
            while True:
                for key, _ in selector.select():
                    # FFmpeg has closed its end, and that is heard of by its exit; or the error that woke us was told
                    # to who sent.
                    with contextlib.suppress(ConnectionRefusedError, BlockingIOError):
                        key.data()

    def _take(self) -> None:
        """What FFmpeg says, to the parent."""
        said, place = self._socket.recvfrom(_CHUNK_BYTES)
        if not self._is_known:
            self._is_known = True
            self._socket.connect(place)
            self._send(LineWanted(1))
        self._send(SourceBytes(said, 1))

    def _deliver(self) -> None:
        """What the server says, to FFmpeg."""
        message = receive_request(self._connection)
        if isinstance(message, SourceBytes) and self._is_known:
            self._socket.send(message.body)
