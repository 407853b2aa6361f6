"""Calls of a function that answers as the test says."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from services.ingest.jobs.functions import FunctionCalls
from services.ingest.settings import IngestSettings
from shared.model.errors import Misconfigured, Rejected, Unavailable
from shared.model.jobs import Problem, SegmentDone, SegmentFailed, SegmentRequested, Want
from shared.model.looks import Look
from shared.transport import wire
from tests.web import Desk, open_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ASKED = SegmentRequested(job="j", segment=2, want=Want.FACES, look=Look())
DONE = SegmentDone(job="j", segment=2, session="s", frames=3, faces=2, timings=(), damaged=1, early=True)


def failed(code: str) -> SegmentFailed:
    return SegmentFailed(job="j", segment=2, session="s", problem=Problem(code, "So it is."))


class Place:
    """What is answered, and what was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.url = 200, wire.encode(DONE), ""
        self.asked: list[tuple[dict[str, str], bytes]] = []


@contextmanager
def listening(place: Place) -> Iterator[None]:
    class Answering(Desk):
        def do_POST(self) -> None:
            place.asked.append(({name.lower(): value for name, value in self.headers.items()}, self.body()))
            self.answer(place.status, place.body)

    with open_desk(Answering) as port:
        place.url = f"http://127.0.0.1:{port}/"
        yield


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    with listening(made):
        yield made


@pytest.fixture
async def calls(place: Place) -> AsyncIterator[FunctionCalls]:
    made = FunctionCalls(place.url, 60.0, "Bearer word")
    yield made
    await made.close()


async def test_the_message_of_the_bus_is_sent_and_the_answer_is_that_of_render(
    place: Place, calls: FunctionCalls
) -> None:
    assert await calls.call(ASKED, {"traceparent": "00-1-2-01"}) == DONE
    [(headers, body)] = place.asked
    assert wire.decode(body, wire.decoder(SegmentRequested)) == ASKED
    assert (headers["authorization"], headers["traceparent"]) == ("Bearer word", "00-1-2-01")


async def test_what_is_wrong_with_the_request_is_not_tried_again(place: Place, calls: FunctionCalls) -> None:
    place.status, place.body = 422, wire.encode(failed("too-long"))
    with pytest.raises(Rejected) as refused:
        await calls.call(ASKED, {})
    assert refused.value.code == "too-long"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, wire.encode(failed("unavailable"))), (502, b"<html>"), (200, b""), (403, b"Forbidden"),
        (200, wire.encode(SegmentDone(job="j", segment=1, session="s", frames=3, faces=2, timings=()))),
    ],
)  # fmt: skip
async def test_everything_else_may_go_well_another_time(
    place: Place, calls: FunctionCalls, status: int, body: bytes
) -> None:
    place.status, place.body = status, body
    with pytest.raises(Unavailable):
        await calls.call(ASKED, {})


async def test_a_function_that_is_not_there_may_come_back() -> None:
    calls = FunctionCalls("http://127.0.0.1:9/", 60.0)
    with pytest.raises(Unavailable, match="did not answer"):
        await calls.call(ASKED, {})
    await calls.close()


async def test_a_function_that_says_nothing_is_told_by_the_kind_of_its_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        calls = FunctionCalls(f"http://127.0.0.1:{silent.getsockname()[1]}/", 0.1)
        with pytest.raises(Unavailable, match="did not answer: ReadTimeout"):
            await calls.call(ASKED, {})
        await calls.close()


async def test_without_an_address_nothing_starts() -> None:
    with pytest.raises(Misconfigured, match="VISAVIS_FUNCTION_URL"):
        FunctionCalls.of(IngestSettings(executor="serverless"))
    settings = IngestSettings(
        executor="serverless", function_url="http://f/", function_authorization=SecretStr("secret")
    )
    assert "secret" not in repr(settings)
    await FunctionCalls.of(settings).close()
