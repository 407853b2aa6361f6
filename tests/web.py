"""Small HTTP servers on loopback for tests.

What `open_desk` serves is a class of the test's own; of `serving` the answers are a table, and what was asked a list.
"""

from __future__ import annotations

import contextlib
import errno
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Answer = bytes | str | Callable[[], bytes] | None

PATIENCE_SECONDS = 30


class Desk(BaseHTTPRequestHandler):
    """Takes requests without a word on stderr. What a test serves adds `do_GET` and its like."""

    def body(self) -> bytes:
        """What came with the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """The whole answer, with the length of its body."""
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked may hang up when they have heard enough; anything else is an error of the test's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as it came


@contextlib.contextmanager
def open_desk(desk: Callable[..., BaseHTTPRequestHandler], port: int = 0) -> Iterator[int]:
    """The port of a server that runs, each connection in a thread; afterwards the port is closed.

    port: 0: a free one. One that somebody else has just now is waited for.
    """
    with _begun(lambda: _Server(("127.0.0.1", port), desk)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class Web:
    """`files[path]`: bytes are a body, text is where to redirect to, a function is called for each body; None: 404."""

    def __init__(self) -> None:
        self.port = 0
        self.files: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        """Path, headers and body of each POST."""
        self.replies: list[tuple[int, dict[str, str]]] = []
        """Status and headers for the next ones, in turn; then 204."""
        self.reply_when: Callable[[], object] = lambda: None
        """Called before a POST is answered."""
        self.location = "Location"
        """How it spells the header of redirects."""

    def url(self, path: str) -> str:
        """Of a file."""
        return f"http://127.0.0.1:{self.port}{path}"


@contextlib.contextmanager
def serving(port: int = 0) -> Iterator[Web]:
    """A running server. port: as of `open_desk`."""
    web = Web()

    class Asked(Desk):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            web.asked.append(self.path)
            web.headers.append(dict(self.headers))
            answer = web.files.get(self.path)
            if isinstance(answer, str):
                self.answer(302, headers={web.location: answer})
            elif answer is None:
                self.answer(404)
            else:
                body = answer if isinstance(answer, bytes) else answer()
                span = self.headers.get("Range")
                if span:
                    first, last = map(int, span.removeprefix("bytes=").split("-"))
                    self.answer(206, body[first : last + 1])
                else:
                    self.answer(200, body)

        def do_POST(self) -> None:
            web.posted.append((self.path, dict(self.headers), self.body()))
            status, headers = web.replies.pop(0) if web.replies else (204, {})
            web.reply_when()
            self.answer(status, headers=headers)

    with open_desk(Asked, port) as web.port:
        yield web


def _begun(begin: Callable[[], ThreadingHTTPServer]) -> ThreadingHTTPServer:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return begin()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                raise
        time.sleep(0.1)
