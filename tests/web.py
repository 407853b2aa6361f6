"""A small HTTP server on loopback for tests: what it answers is a table, what it was asked is a list."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = bytes | str | Callable[[], bytes] | None

PATIENCE_SECONDS = 30


class Web:
    """`files[path]`: bytes are a body, text is where to redirect to, a function is called for each body; None: 404."""

    def __init__(self, port: int) -> None:
        self.port = port
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
    """A running server; afterwards its port is closed and its threads are gone.

    port: 0: a free one. One that somebody else has just now is waited for.
    """

    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            web.asked.append(self.path)
            web.headers.append(dict(self.headers))
            answer = web.files.get(self.path)
            if isinstance(answer, str):
                self._send(302, b"", (web.location, answer))
            elif answer is None:
                self._send(404, b"")
            else:
                body = answer if isinstance(answer, bytes) else answer()
                span = self.headers.get("Range")
                if span:
                    first, last = map(int, span.removeprefix("bytes=").split("-"))
                    self._send(206, body[first : last + 1])
                else:
                    self._send(200, body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            web.posted.append((self.path, dict(self.headers), body))
            status, headers = web.replies.pop(0) if web.replies else (204, {})
            web.reply_when()
            self._send(status, b"", *headers.items())

        def _send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            with contextlib.suppress(ConnectionError):  # whoever asked has heard enough
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that hangs up is no error here."""

    server = _begun(lambda: Server(("127.0.0.1", port), Asked))
    web = Web(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _begun(begin: Callable[[], ThreadingHTTPServer]) -> ThreadingHTTPServer:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return begin()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                raise
        time.sleep(0.1)
