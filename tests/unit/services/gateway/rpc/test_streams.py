"""Live streams over gRPC: a real client, a real server, a lane without faces."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.gateway.live import lane as live_lane_module
from services.gateway.rpc.server import RpcServer
from services.gateway.rpc.streams import SERVICE
from shared.model.keys import Quotas, Scope
from shared.model.live import FlowChanged, LiveEnded, Place, Reason
from tests.unit.services.gateway.live_ends import LiveLane, dropped, is_exact, live_settings
from visavis.v1 import streams_pb2, streams_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from shared.testing import MemoryBus
    from shared.transport.keys import KeyRing

Message = streams_pb2.ClientMessage


@pytest.fixture
async def server(parts: Parts) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    server = RpcServer(parts)
    address = await server.start()
    running = asyncio.create_task(server.run())
    yield address, running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def channel(server: tuple[str, Any]) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(server[0]) as found:
        yield found


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return streams_pb2_grpc.FaceStreamStub(channel)  # type: ignore[no-untyped-call]  # generated


def packet(pts: int, data: bytes = b"packet") -> Message:
    return Message(packet=streams_pb2.Packet(pts=pts, key=pts == 0, data=data))


async def opened(stub: Any, **settings: Any) -> Any:
    call = stub.Process()
    await call.write(Message(settings=live_settings(**settings)))
    assert (await call.read()).WhichOneof("message") == "opened"
    return call


async def rest(call: Any) -> list[streams_pb2.ServerMessage]:
    """What comes until the stream ends well."""
    found = []
    while (message := await call.read()) is not grpc.aio.EOF:
        found.append(message)
    return found


async def failure(call: Any) -> tuple[grpc.StatusCode, dict[str, Any], list[streams_pb2.ServerMessage]]:
    """How a stream ends, and what came before."""
    found: list[streams_pb2.ServerMessage] = []
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await _read_into(found, call)
    return failed.value.code(), dict(failed.value.trailing_metadata() or ()), found


async def _read_into(found: list[streams_pb2.ServerMessage], call: Any) -> None:
    while (message := await call.read()) is not grpc.aio.EOF:
        found.append(message)


async def test_a_stream_comes_back_drawn_with_its_account_last(stub: Any, live_lane: LiveLane) -> None:
    live_lane.fates = {2: (Place.DETECT, Reason.LATE)}
    call = await opened(stub)
    for pts in range(5):
        await call.write(packet(pts))
    await call.done_writing()
    messages = await rest(call)
    assert [one.frame.pts for one in messages if one.WhichOneof("message") == "frame"] == [0, 1, 3, 4]
    assert messages[-1].account.delivered == 4
    assert dropped(messages[-1].account) == {("detect", "late"): 1}
    assert await call.code() is grpc.StatusCode.OK
    assert len(dict(await call.trailing_metadata())["visavis-trace-id"]) == 32


async def test_that_a_stream_is_admitted_is_said_before_anything_is_sent(stub: Any) -> None:
    call = stub.Process()
    assert len(dict(await call.initial_metadata())["visavis-trace-id"]) == 32
    call.cancel()


async def test_a_client_may_wait_for_each_frame(stub: Any, live_lane: LiveLane) -> None:
    call = await opened(stub)
    await call.write(packet(0))
    assert (await call.read()).WhichOneof("message") == "began"
    assert (await call.read()).frame.pts == 0
    await call.write(packet(1))
    assert (await call.read()).frame.pts == 1
    await call.done_writing()
    await rest(call)


async def test_without_room_it_is_said_when_to_come_back(stub: Any, live_lane: LiveLane) -> None:
    live_lane.refused = True
    call = stub.Process()
    await call.write(Message(settings=live_settings()))
    status, metadata, _ = await failure(call)
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "no-room")
    assert metadata["grpc-retry-pushback-ms"] == "3000"


async def test_without_a_lane_it_is_unavailable(stub: Any) -> None:
    call = stub.Process()
    await call.write(Message(settings=live_settings()))
    status, metadata, _ = await failure(call)
    assert (status, metadata["grpc-retry-pushback-ms"]) == (grpc.StatusCode.UNAVAILABLE, "1000")


@pytest.mark.parametrize(
    "first", [packet(0), Message(), Message(settings=streams_pb2.StreamSettings()), Message(pause={})]
)
async def test_a_wrong_beginning_is_an_invalid_argument(stub: Any, live_lane: LiveLane, first: Message) -> None:
    call = stub.Process()
    await call.write(first)
    status, metadata, told = await failure(call)
    assert (status, told) == (grpc.StatusCode.INVALID_ARGUMENT, [])
    assert len(metadata["visavis-trace-id"]) == 32


async def test_settings_come_once_and_the_account_all_the_same(stub: Any, live_lane: LiveLane) -> None:
    call = await opened(stub)
    await call.write(Message(settings=live_settings()))
    status, metadata, told = await failure(call)
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.INVALID_ARGUMENT, "malformed-request")
    assert told[-1].WhichOneof("message") == "account"


async def test_a_packet_over_the_limit_is_refused_before_it_is_read(stub: Any, live_lane: LiveLane) -> None:
    call = await opened(stub)
    await call.write(packet(0, bytes(2_200_000)))
    status, _, _ = await failure(call)
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_lane_that_is_lost_is_unavailable_and_the_stream_can_be_gone_on_with(
    stub: Any, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_lane_module, "SILENCE_SECONDS", 0.2)
    call = stub.Process()
    await call.write(Message(settings=live_settings()))
    token = (await call.read()).opened.resume_token
    await call.write(packet(0))
    await call.read()
    await live_lane.close()
    status, metadata, told = await failure(call)
    assert (status, metadata["grpc-retry-pushback-ms"]) == (grpc.StatusCode.UNAVAILABLE, "1000")
    assert told[-1].WhichOneof("message") == "account"
    again = await opened(stub, resume_token=token)
    await again.write(packet(0))
    assert (await again.read()).began.resumed
    await again.done_writing()
    await rest(again)


async def test_a_deadline_ends_the_stream_and_its_session(stub: Any, live_lane: LiveLane, bus: MemoryBus) -> None:
    call = stub.Process(timeout=0.3)
    await call.write(Message(settings=live_settings()))
    status, _, _ = await failure(call)
    assert status is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.gather(*live_lane.tasks.values())  # they end: gRPC says the end of what comes, then that it is over
    assert live_lane.said(LiveEnded)


async def test_cancelled_at_any_moment_nothing_is_left(
    parts: Parts, stub: Any, live_lane: LiveLane, bus: MemoryBus
) -> None:
    moments = np.random.default_rng(3)
    for _ in range(15):
        call = stub.Process()
        feeding = asyncio.create_task(feed(call))
        await asyncio.sleep(float(moments.uniform(0, 0.03)))
        call.cancel()
        feeding.cancel()  # grpcio does not always wake a write whose call is cancelled
        await asyncio.gather(feeding, return_exceptions=True)
    while parts.live.under_way:  # noqa: ASYNC110  -- the server hears of it by and by
        await asyncio.sleep(0.01)
    await asyncio.gather(*live_lane.tasks.values())
    assert not bus._listeners


async def feed(call: Any) -> None:
    await call.write(Message(settings=live_settings()))
    for pts in range(100):
        await call.write(packet(pts))


async def test_a_reader_that_is_slow_is_not_waited_for(stub: Any, live_lane: LiveLane, parts: Parts) -> None:
    live_lane.frame = bytes(500_000)
    call = await opened(stub, max_delay_ms=200)
    pts = 0
    while FlowChanged(paused=False, held=True) not in live_lane.heard:
        await call.write(packet(pts))
        await asyncio.sleep(0.005)
        pts += 1
    await call.done_writing()
    messages = await rest(call)
    account = messages[-1].account
    assert is_exact(account)
    assert account.received == pts
    frames = [one.frame for one in messages if one.WhichOneof("message") == "frame"]
    assert account.delivered == len(frames)
    follows = pairwise(frames)
    assert all(two.key or two.pts == one.pts + 1 for one, two in follows), "a frame without what it refers to"


async def test_a_server_that_stops_says_so_and_then_ends_the_stream(
    stub: Any, server: tuple[str, asyncio.Task[None]], live_lane: LiveLane, parts: Parts
) -> None:
    call = await opened(stub)
    await call.write(packet(0))
    server[1].cancel()
    status, metadata, told = await failure(call)
    assert (status, "grpc-retry-pushback-ms" in metadata) == (grpc.StatusCode.UNAVAILABLE, True)
    assert any(one.notice.kind == "draining" for one in told)
    assert told[-1].account.delivered == 1


async def test_the_health_service_knows_it(channel: grpc.aio.Channel, live_lane: LiveLane) -> None:
    health = health_pb2_grpc.HealthStub(channel)  # type: ignore[no-untyped-call]  # generated
    watched = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    states = set()
    while health_pb2.HealthCheckResponse.SERVING not in states:
        states.add((await watched.read()).status)
    watched.cancel()


async def test_a_stream_over_its_keys_quota_is_told_when_to_come_back(
    asking: Parts, stub: Any, live_lane: LiveLane, ring: KeyRing
) -> None:
    key = await ring.add("one", [Scope.STREAMS], Quotas(sessions=1))
    sent = {"metadata": (("authorization", f"Bearer {key}"),)}
    first = stub.Process(**sent)
    await first.write(Message(settings=live_settings()))
    assert (await first.read()).WhichOneof("message") == "opened"
    second = stub.Process(**sent)
    await second.write(Message(settings=live_settings()))
    metadata = dict(await second.trailing_metadata())
    assert (await second.code(), metadata["visavis-code"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota-exceeded")
    assert metadata["grpc-retry-pushback-ms"] == "10000"
    first.cancel()
