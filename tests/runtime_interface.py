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
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.web import Desk, open_desk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


@contextmanager
def runtime_interface() -> Iterator[RuntimeInterface]:
    """On a port of its own."""
    interface = RuntimeInterface()

    class Runtime(Desk):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            event = interface.next() if self.path == f"{PREFIX}/invocation/next" else None
            if event is None:
                self._say(404 if self.path != f"{PREFIX}/invocation/next" else 410)
                return
            request, body = event
            headers = {
                "Lambda-Runtime-Aws-Request-Id": request,
                "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + DEADLINE_MS),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:local:0:function:visavis",
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            }
            self._say(200, body, headers)

        def do_POST(self) -> None:
            body = self.body()
            if said := re.fullmatch(rf"{PREFIX}/invocation/([\w-]+)/(response|error)", self.path):
                interface.note(said[2], said[1], body)
            elif self.path == f"{PREFIX}/init/error":
                interface.note("init/error", "", body)
            else:
                self._say(404)
                return
            self._say(202, b'{"status":"OK"}')

        def _say(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
            self.answer(status, body, {"Content-Type": "application/json", **(headers or {})})

    with open_desk(Runtime) as port:
        interface.address = f"127.0.0.1:{port}"
        try:
            yield interface
        finally:
            interface.end()


@contextmanager
def function_url(interface: RuntimeInterface) -> Iterator[str]:
    """An address over HTTP whose requests are events of the function, one at a time (payload format 2.0)."""
    turn, requests = threading.Lock(), itertools.count()

    class Calling(Desk):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = {
                "version": "2.0",
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "requestContext": {"http": {"method": "POST", "path": self.path}},
                "body": base64.b64encode(self.body()).decode(),
                "isBase64Encoded": True,
            }
            with turn:
                interface.send(f"url-{next(requests)}", event)
                told = interface.hear()
            if told.word == "response":
                self.answer(told.body["statusCode"], base64.b64decode(told.body["body"]))
            else:
                self.answer(502, b"Internal Server Error")

    with open_desk(Calling) as port:
        yield f"http://127.0.0.1:{port}/"
