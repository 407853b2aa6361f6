"""The client of live streams, and a service that refuses at once. Streams that are taken: tests/system/test_live.py."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from visavis.client import ProblemError
from visavis.live import LiveStream
from visavis.v1 import streams_pb2, streams_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 20
TRACE = "7" * 32
LONGER_THAN_A_REFUSAL_TAKES = 0.2
"""Seconds."""


class Refusing(streams_pb2_grpc.FaceStreamServicer):
    """Says no to a stream before it has read a message of it."""

    def Process(  # noqa: N802  -- the contract's own name
        self, request_iterator: object, context: grpc.ServicerContext
    ) -> None:
        """Refuse."""
        context.set_trailing_metadata((("visavis-code", "unauthenticated"), ("visavis-trace-id", TRACE)))
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "No key.")


class SlowToSpeak(streams_pb2_grpc.FaceStreamStub):
    """A client that is interrupted between deciding to send and sending."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(channel)  # type: ignore[no-untyped-call]  # generated
        self.Process: Any = channel.stream_stream(
            "/visavis.v1.FaceStream/Process",
            request_serializer=_serialized_late,
            response_deserializer=streams_pb2.ServerMessage.FromString,
        )


def _serialized_late(message: streams_pb2.ClientMessage) -> bytes:
    time.sleep(LONGER_THAN_A_REFUSAL_TAKES)
    return message.SerializeToString()


@pytest.fixture
def refusing() -> Iterator[str]:
    """host:port of a service without a soul inside."""
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        streams_pb2_grpc.add_FaceStreamServicer_to_server(Refusing(), server)  # type: ignore[no-untyped-call]
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(None).wait()


async def refusal_of(address: str) -> ProblemError:
    stream = LiveStream(address, streams_pb2.StreamSettings(look_name="none"))
    with pytest.raises(ProblemError) as refused:
        await asyncio.wait_for(stream.__aenter__(), PATIENCE_SECONDS)
    return refused.value


async def test_a_refusal_is_told_in_the_services_words(refusing: str) -> None:
    told = await refusal_of(refusing)
    assert (told.status, told.code, told.detail, told.trace_id) == (401, "unauthenticated", "No key.", TRACE)


async def test_so_is_one_that_would_have_met_the_settings_on_their_way(
    refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_pb2_grpc, "FaceStreamStub", SlowToSpeak)
    assert (await refusal_of(refusing)).code == "unauthenticated"


async def test_where_nobody_listens_is_told_as_that(refusing: str) -> None:
    told = await refusal_of("127.0.0.1:1")
    assert (told.status, told.code) == (503, "unreachable")
