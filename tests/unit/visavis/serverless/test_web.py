"""The ASGI application with a function that answers as the test says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from shared.model.jobs import Problem, SegmentDone, SegmentFailed, SegmentRequested, Want
from shared.model.looks import Look
from visavis.serverless.web import application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ASKED = SegmentRequested(job="j", want=Want.FACES, look=Look())
DOCUMENT = msgspec.json.encode(ASKED)


class Answering:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[SegmentRequested, str]] = []
        self.code = ""

    async def segment(self, request: SegmentRequested, session: str) -> SegmentDone | SegmentFailed:
        self.asked.append((request, session))
        if self.code:
            return SegmentFailed(job=request.job, session=session, problem=Problem(self.code, "So it is."))
        return SegmentDone(job=request.job, session=session, frames=3, faces=2, timings=())


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture
async def client(answering: Answering) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(answering))
    async with httpx.AsyncClient(transport=transport, base_url="http://function") as made:
        yield made


@pytest.mark.parametrize("path", ["/", "/invoke"])
async def test_a_document_is_answered_by_a_document(client: httpx.AsyncClient, answering: Answering, path: str) -> None:
    answer = await client.post(path, content=DOCUMENT)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert (answer.json()["type"], answer.json()["frames"]) == ("SegmentDone", 3)
    assert "ce-id" not in answer.headers
    assert answering.asked == [(ASKED, answer.json()["session"])]


async def test_an_event_is_answered_by_an_event(client: httpx.AsyncClient) -> None:
    answer = await client.post("/", content=DOCUMENT, headers={"ce-specversion": "1.0", "ce-id": "e"})
    assert (answer.headers["ce-specversion"], answer.headers["ce-type"]) == ("1.0", "visavis.SegmentDone")
    assert answer.headers["ce-id"] != "e"


@pytest.mark.parametrize(("code", "status"), [("too-long", 422), ("unavailable", 503), ("decoder-died", 422)])
async def test_the_status_says_whether_another_try_may_go_well(
    client: httpx.AsyncClient, answering: Answering, code: str, status: int
) -> None:
    answering.code = code
    answer = await client.post("/", content=DOCUMENT)
    assert (answer.status_code, answer.json()["problem"]["code"]) == (status, code)


async def test_what_is_no_document_reaches_nobody(client: httpx.AsyncClient, answering: Answering) -> None:
    wrong = await client.post("/", content=json.dumps({"job": 7}))
    assert (wrong.status_code, wrong.json()["code"]) == (400, "malformed")
    assert (await client.post("/", content=bytes(300_000))).status_code == 413
    assert (await client.get("/")).status_code == 405
    assert answering.asked == []


async def test_a_platform_asks_whether_it_is_there(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).status_code == 200
    assert (await client.post("/initialize")).status_code == 200
