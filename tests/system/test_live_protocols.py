"""Live streams by other ways than our own client's: a second implementation of gRPC, and a WebSocket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import websockets
from grpclib.client import Channel
from grpclib.const import Cardinality

from tests.system.live_clips import coded
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.system.live_clips import Coded
    from visavis.stack import Stack

PATIENCE_SECONDS = 60
PROCESS = "/visavis.v1.FaceStream/Process"
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def packets(portrait: bytes) -> list[Coded]:
    return coded(portrait, 12)


def first(**more: Any) -> streams_pb2.ClientMessage:
    asked = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=640, height=360, rate=10)
    settings = streams_pb2.StreamSettings(input=asked, look_name="none", max_delay_ms=20_000, **more)
    return streams_pb2.ClientMessage(settings=settings)


def messages(packets: Sequence[Coded]) -> list[streams_pb2.ClientMessage]:
    return [
        streams_pb2.ClientMessage(packet=streams_pb2.Packet(pts=one.pts, key=one.key, data=one.data)) for one in packets
    ]


async def test_another_implementation_of_grpc_is_understood(stack: Stack, packets: list[Coded]) -> None:
    host, port = stack.grpc.rsplit(":", 1)
    channel = Channel(host, int(port))
    heard: list[streams_pb2.ServerMessage] = []
    try:
        request = channel.request(
            PROCESS,
            Cardinality.STREAM_STREAM,
            streams_pb2.ClientMessage,
            streams_pb2.ServerMessage,
            timeout=PATIENCE_SECONDS,
        )
        async with request as stream:
            await stream.send_message(first())
            for number, message in enumerate(messages(packets)):
                await stream.send_message(message)
                while sum(one.HasField("frame") for one in heard) <= number:
                    heard.append(await stream.recv_message())
            await stream.end()
            heard += [message async for message in stream]
            await stream.recv_trailing_metadata()
            trailing = dict(stream.trailing_metadata or {})
    finally:
        channel.close()
    assert [one.frame.pts for one in heard if one.HasField("frame")] == [one.pts for one in packets]
    assert heard[-1].account.delivered == len(packets)
    assert len(str(trailing["visavis-trace-id"])) == 32


async def test_a_websocket_has_the_same_messages(stack: Stack, packets: list[Coded]) -> None:
    address = stack.rest.replace("http", "ws", 1) + "/v1/streams/ws"
    heard = []
    async with asyncio.timeout(PATIENCE_SECONDS), websockets.connect(address, max_size=None, proxy=None) as socket:
        await socket.send(first(want_faces=True).SerializeToString())
        for number, message in enumerate(messages(packets)):
            await socket.send(message.SerializeToString())
            while sum(one.HasField("frame") for one in heard) <= number:
                heard.append(streams_pb2.ServerMessage.FromString(await socket.recv()))
        await socket.send(streams_pb2.ClientMessage(end=streams_pb2.End()).SerializeToString())
        heard += [streams_pb2.ServerMessage.FromString(data) async for data in socket]
    frames = [one.frame for one in heard if one.HasField("frame")]
    assert [one.pts for one in frames] == [one.pts for one in packets]
    assert all(len(one.faces) == 1 for one in frames)
    assert heard[-1].account.delivered == len(packets)


@pytest.mark.parametrize("every_frame", [False, True])
async def test_one_trace_holds_the_stream_and_some_of_its_frames_or_all(
    stack: Stack, packets: list[Coded], every_frame: bool
) -> None:
    address, seen = stack.rest.replace("http", "ws", 1) + "/v1/streams/ws", 0
    headers = {"X-Visavis-Trace": "1"} if every_frame else {}
    connecting = websockets.connect(address, max_size=None, proxy=None, additional_headers=headers)
    async with asyncio.timeout(PATIENCE_SECONDS), connecting as socket:
        await socket.send(first().SerializeToString())
        opened = streams_pb2.ServerMessage.FromString(await socket.recv()).opened
        for number, message in enumerate(messages(packets)[:4]):
            await socket.send(message.SerializeToString())
            while seen <= number:
                seen += streams_pb2.ServerMessage.FromString(await socket.recv()).HasField("frame")
        await socket.send(streams_pb2.ClientMessage(end=streams_pb2.End()).SerializeToString())
        async for _ in socket:
            continue
    traced = ["decode"] * (4 if every_frame else 1)
    async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(base_url=stack.rest, trust_env=False) as client:
        while not {"ingest", "detect", "render"} <= set(names := await spans(client, opened.trace_id)):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert {"ingest.wait", "decode.wait", "detect.wait", "render.wait"} <= set(names)
    assert [name for name in names if name == "decode"] == traced


async def spans(client: httpx.AsyncClient, trace_id: str) -> list[str]:
    """Names of what is there of a trace so far."""
    answer = await client.get(f"/v1/traces/{trace_id}")
    if answer.status_code != 200:
        return []
    found = answer.json()["resourceSpans"]
    return [span["name"] for one in found for scope in one["scopeSpans"] for span in scope["spans"]]
