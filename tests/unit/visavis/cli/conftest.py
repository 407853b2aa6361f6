"""A service that answers as a test says, on a real port."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.web import Desk, open_desk

if TYPE_CHECKING:
    from collections.abc import Iterator


class Answers:
    """What is answered on which path, and what was asked."""

    def __init__(self) -> None:
        self.by_path: dict[str, tuple[int, str, bytes]] = {}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    def give(self, path: str, body: Any, status: int = 200, kind: str = "application/json") -> None:
        self.by_path[path] = (status, kind, body if isinstance(body, bytes) else json.dumps(body).encode())

    def finish_job(self, **changes: Any) -> dict[str, Any]:
        """A job that is taken, told of once, and at its end."""
        job = {"id": "j", "state": "done", "progress": 1.0, "frames": 3, "warnings": [], "problem": None} | changes
        event = f"event: {job['state']}\ndata: {json.dumps(job)}\n\n".encode()
        self.give("/v1/jobs", job | {"state": "accepted", "progress": 0.0, "frames": 0}, status=202)
        self.give("/v1/jobs/j/events", event, kind="text/event-stream")
        self.give("/v1/jobs/j/result", b"the result", kind="video/mp4")
        return job


@pytest.fixture
def answers() -> Iterator[Answers]:
    made = Answers()

    class Answering(Desk):
        def do_GET(self) -> None:
            made.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, self.body()))
            status, kind, answer = made.by_path.get(self.path.partition("?")[0], (404, "text/plain", b""))
            self.answer(status, answer, {"Content-Type": kind})

        do_POST = do_DELETE = do_PATCH = do_GET

    with open_desk(Answering) as port:
        made.url = f"http://127.0.0.1:{port}"
        yield made
