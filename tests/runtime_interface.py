"""Lambda's runtime interface on loopback, as its documentation has it: events out, answers and errors in.

The document: "Using the Lambda runtime API for custom runtimes", version 2018-06-01.
"""

from __future__ import annotations

import base64
import itertools
import json
import queue
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/2018-06-01/runtime"
DEADLINE_MS = 900_000


class Told(NamedTuple):
    """What the function said: of an invocation its `response` or `error`, or `init/error`."""

    word: str
    request: str
    body: Any
    arrived: float
    """time.perf_counter"""


class RuntimeInterface:
    """What a function sees of Lambda, and a test of the function."""

    def __init__(self) -> None:
        self.address = ""
        """As AWS_LAMBDA_RUNTIME_API has it."""
        self._events: queue.Queue[tuple[str, bytes] | None] = queue.Queue()
        self._told: queue.Queue[Told] = queue.Queue()

    def send(self, request: str, event: Any) -> None:
        """Have the function called with an event."""
        self._events.put((request, json.dumps(event).encode()))

    def hear(self, timeout_seconds: float = 60.0) -> Told:
        """What the function says next."""
        return self._told.get(timeout=timeout_seconds)

    def next(self) -> tuple[str, bytes] | None:
        """The event that the function is to have; None: there will be none."""
        return self._events.get()

    def note(self, word: str, request: str, body: bytes) -> None:
        """The function said so."""
        self._told.put(Told(word, request, json.loads(body), time.perf_counter()))

    def end(self) -> None:
        """Let whoever waits for an event go."""
        self._events.put(None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is ended hangs up in mid-wait."""


@contextmanager
def runtime_interface() -> Iterator[RuntimeInterface]:
    """On a port of its own."""
    interface = RuntimeInterface()

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            event = interface.next() if self.path == f"{PREFIX}/invocation/next" else None
            if event is None:
                self._answer(404 if self.path != f"{PREFIX}/invocation/next" else 410, b"", {})
                return
            request, body = event
            headers = {
                "Lambda-Runtime-Aws-Request-Id": request,
                "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + DEADLINE_MS),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:local:0:function:visavis",
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            }
            self._answer(200, body, headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if said := re.fullmatch(rf"{PREFIX}/invocation/([\w-]+)/(response|error)", self.path):
                interface.note(said[2], said[1], body)
            elif self.path == f"{PREFIX}/init/error":
                interface.note("init/error", "", body)
            else:
                self._answer(404, b"", {})
                return
            self._answer(202, b'{"status":"OK"}', {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    with _Server(("127.0.0.1", 0), Desk) as server:
        interface.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield interface
        finally:
            interface.end()
            server.shutdown()
            thread.join()


@contextmanager
def function_url(interface: RuntimeInterface) -> Iterator[str]:
    """An address over HTTP whose requests are events of the function, one at a time (payload format 2.0)."""
    turn, requests = threading.Lock(), itertools.count()

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            event = {
                "version": "2.0",
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "requestContext": {"http": {"method": "POST", "path": self.path}},
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
            }
            with turn:
                interface.send(f"url-{next(requests)}", event)
                told = interface.hear()
            if told.word == "response":
                self._answer(told.body["statusCode"], base64.b64decode(told.body["body"]))
            else:
                self._answer(502, b"Internal Server Error")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    with _Server(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
