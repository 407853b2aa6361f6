"""Live streams over a WebSocket: a real client, a real server, a lane without faces."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from services.gateway.problems import Refusal
from services.gateway.rest import app
from services.gateway.rest.serving import RestServer
from services.gateway.rest.sockets import PROTOCOL, close_code, cut, may_open
from services.gateway.scopes import KEY_PROTOCOL
from shared.model.keys import Quotas, Scope
from shared.model.live import FlowChanged, LiveEnded
from tests.unit.services.gateway.live_ends import LiveLane, is_exact, live_settings
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from shared.testing import MemoryBus
    from shared.transport.keys import KeyRing

END = {"end": streams_pb2.End()}


@pytest.fixture
async def server(parts: Parts) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    server = RestServer(app.build(parts), parts.settings, parts.jobs.let_go, parts.live.drained)
    await server.start()
    running = asyncio.create_task(server.run())
    yield server.url.replace("http:", "ws:") + "/v1/streams/ws", running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def socket(server: tuple[str, Any]) -> AsyncIterator[ClientConnection]:
    async with connect(server[0], max_size=None) as found:
        yield found


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(streams_pb2.ClientMessage(**message).SerializeToString())


async def packets(socket: ClientConnection, *pts: int, data: bytes = b"packet") -> None:
    for one in pts:
        await say(socket, packet=streams_pb2.Packet(pts=one, key=one == 0, data=data))


async def hear(socket: ClientConnection) -> streams_pb2.ServerMessage:
    body = await socket.recv()
    assert isinstance(body, bytes)
    message = streams_pb2.ServerMessage()
    message.ParseFromString(body)
    return message


async def rest(socket: ClientConnection) -> tuple[int, str, list[streams_pb2.ServerMessage]]:
    """How the socket is closed, and what came before."""
    found: list[streams_pb2.ServerMessage] = []
    with pytest.raises(ConnectionClosed) as closed:
        await _hear_into(found, socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason, found


async def _hear_into(found: list[streams_pb2.ServerMessage], socket: ClientConnection) -> None:
    while True:
        found.append(await hear(socket))


async def test_a_stream_comes_back_drawn_with_its_account_last(socket: ClientConnection, live_lane: LiveLane) -> None:
    await say(socket, settings=live_settings())
    await packets(socket, 0, 1, 2)
    await say(socket, **END)
    code, _, messages = await rest(socket)
    assert code == 1000
    kinds = [one.WhichOneof("message") for one in messages]
    assert kinds == ["opened", "began", "frame", "frame", "frame", "account"]
    assert messages[-1].account.delivered == 3


@pytest.mark.parametrize(("asked", "state"), [("1", "visavis=frames"), ("0", None)])
async def test_who_asks_for_every_frame_has_it_asked_of_the_lane(
    server: tuple[str, Any], live_lane: LiveLane, asked: str, state: str | None
) -> None:
    async with connect(server[0], max_size=None, additional_headers={"X-Visavis-Trace": asked}) as socket:
        await say(socket, settings=live_settings())
        assert (await hear(socket)).opened.trace_id
        await say(socket, **END)
        await rest(socket)
    assert live_lane.headers.get("tracestate") == state


async def test_text_is_not_understood(socket: ClientConnection, live_lane: LiveLane) -> None:
    await socket.send("settings")
    code, reason, messages = await rest(socket)
    assert (code, "binary" in reason) == (1003, True)
    assert messages[-1].problem.code == "unsupported-media"


@pytest.mark.parametrize("body", [b"\xff\xff no message", b""])
async def test_what_cannot_be_read_is_refused(socket: ClientConnection, live_lane: LiveLane, body: bytes) -> None:
    await socket.send(body)
    code, _, messages = await rest(socket)
    assert (code, messages[-1].problem.code) == (1008, "malformed-request")
    assert len(messages[-1].problem.trace_id) == 32


async def test_a_problem_can_be_read_by_a_browser(socket: ClientConnection, live_lane: LiveLane) -> None:
    await say(socket, settings=live_settings(look_name='{"smooth": 7}'))
    code, reason, [message] = await rest(socket)
    assert (code, message.problem.code, message.problem.retry_after_seconds) == (1008, "invalid-look", 0)
    assert message.problem.detail.startswith(reason)


async def test_without_room_it_is_said_when_to_come_back(socket: ClientConnection, live_lane: LiveLane) -> None:
    live_lane.refused = True
    await say(socket, settings=live_settings())
    code, _, [message] = await rest(socket)
    assert (code, message.problem.code, message.problem.retry_after_seconds) == (1013, "no-room", 3)


async def test_a_stream_that_fails_has_its_account_before_the_problem(
    socket: ClientConnection, live_lane: LiveLane
) -> None:
    await say(socket, settings=live_settings())
    await say(socket, settings=live_settings())
    _, _, messages = await rest(socket)
    assert [one.WhichOneof("message") for one in messages][-2:] == ["account", "problem"]


async def test_a_bug_tells_the_client_nothing_of_itself(
    socket: ClientConnection, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("secret")

    monkeypatch.setattr("services.gateway.live.call.read_settings", broken)
    await say(socket, settings=live_settings())
    code, reason, [message] = await rest(socket)
    assert (code, message.problem.code) == (1011, "internal")
    assert "secret" not in reason + message.problem.detail


async def test_a_message_over_the_limit_is_refused(socket: ClientConnection, live_lane: LiveLane) -> None:
    await say(socket, settings=live_settings())
    await packets(socket, 0, data=bytes(2_200_000))
    code, _, _ = await rest(socket)
    assert code == 1009


async def test_a_client_that_goes_away_leaves_nothing(
    server: tuple[str, Any], live_lane: LiveLane, parts: Parts, bus: MemoryBus
) -> None:
    async with connect(server[0]) as socket:
        await say(socket, settings=live_settings())
        await packets(socket, 0)
        await hear(socket)
        socket.transport.abort()
    while parts.live.under_way:  # noqa: ASYNC110  -- the server hears of it by and by
        await asyncio.sleep(0.01)
    await asyncio.gather(*live_lane.tasks.values())
    assert live_lane.said(LiveEnded) == [LiveEnded(abandoned=True)]
    assert not bus._listeners


async def test_a_reader_that_is_slow_is_not_waited_for(socket: ClientConnection, live_lane: LiveLane) -> None:
    live_lane.frame = bytes(500_000)
    await say(socket, settings=live_settings(max_delay_ms=200))
    pts = 0
    while FlowChanged(paused=False, held=True) not in live_lane.heard:
        await packets(socket, pts)
        await asyncio.sleep(0.005)
        pts += 1
    await say(socket, **END)
    code, _, messages = await rest(socket)
    assert code == 1000
    assert is_exact(messages[-1].account)
    assert messages[-1].account.received == pts


async def test_a_server_that_stops_says_so_and_then_ends_the_stream(
    socket: ClientConnection, server: tuple[str, asyncio.Task[None]], live_lane: LiveLane
) -> None:
    await say(socket, settings=live_settings())
    await packets(socket, 0)
    await hear(socket)
    server[1].cancel()
    code, _, messages = await rest(socket)
    assert (code, messages[-1].problem.code) == (1013, "unavailable")
    assert messages[-1].problem.retry_after_seconds == 1
    assert any(one.notice.kind == "draining" for one in messages)
    assert messages[-2].account.delivered == 1


async def test_pages_from_elsewhere_are_not_let_in(server: tuple[str, Any], live_lane: LiveLane) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(server[0], origin="https://elsewhere.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("origin", "allowed", "may"),
    [
        ("", "", True),
        ("http://gateway:8080", "", True),
        ("https://elsewhere.example", "", False),
        ("http://gateway:9090", "", False),
        ("null", "", False),
        ("https://elsewhere.example", "*", True),
        ("https://elsewhere.example", "https://other.example, https://elsewhere.example/", True),
        ("https://elsewhere.example.evil", "https://elsewhere.example", False),
    ],
)
def test_who_may_open_a_socket(origin: str, allowed: str, may: bool) -> None:
    assert may_open(origin, "gateway:8080", allowed) is may


def test_close_codes() -> None:
    assert [close_code(code) for code in ("invalid-look", "no-room", "idle", "internal", "unsupported-media")] == [
        1008, 1013, 1013, 1011, 1003
    ]  # fmt: skip


def test_a_reason_fits_into_its_frame_and_stays_text() -> None:
    assert len(cut("é" * 200).encode()) <= 123
    assert cut("é" * 200) == "é" * 61
    assert cut(str(Refusal("gone", "It is."))) == "It is."


@pytest.mark.parametrize("by_header", [True, False])
async def test_a_key_comes_in_a_header_or_from_a_page_as_a_subprotocol(
    asking: Parts, server: tuple[str, Any], live_lane: LiveLane, ring: KeyRing, by_header: bool
) -> None:
    key = await ring.add("page", [Scope.STREAMS], Quotas())
    offered = [Subprotocol(PROTOCOL), Subprotocol(f"{KEY_PROTOCOL}{key}")]
    sent: dict[str, Any] = (
        {"additional_headers": {"Authorization": f"Bearer {key}"}} if by_header else {"subprotocols": offered}
    )
    async with connect(server[0], **sent) as socket:
        assert socket.subprotocol == (None if by_header else PROTOCOL)
        await say(socket, settings=live_settings())
        assert (await hear(socket)).WhichOneof("message") == "opened"


@pytest.mark.parametrize("offered", [[], [PROTOCOL], [PROTOCOL, f"{KEY_PROTOCOL}nonsense"]])
async def test_without_a_key_the_client_is_told_so_and_nothing_begins(
    asking: Parts, server: tuple[str, Any], live_lane: LiveLane, offered: list[str]
) -> None:
    async with connect(server[0], subprotocols=[Subprotocol(one) for one in offered] or None) as socket:
        code, _, [message] = await rest(socket)
    assert (code, message.problem.code) == (1008, "unauthenticated")
    assert not live_lane.opened


async def test_a_key_for_something_else_opens_no_stream(
    asking: Parts, server: tuple[str, Any], live_lane: LiveLane, ring: KeyRing
) -> None:
    key = await ring.add("pictures", set(Scope) - {Scope.STREAMS}, Quotas())
    async with connect(server[0], additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        code, _, [message] = await rest(socket)
    assert (code, message.problem.code) == (1008, "forbidden")


async def test_a_stream_ends_when_its_key_is_revoked(
    asking: Parts, server: tuple[str, Any], live_lane: LiveLane, ring: KeyRing
) -> None:
    key = await ring.add("page", [Scope.STREAMS], Quotas())
    async with connect(server[0], additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        await say(socket, settings=live_settings())
        await hear(socket)
        await ring.revoke(key.split("_")[1])
        code, _, messages = await rest(socket)
    assert (code, messages[-1].problem.code) == (1008, "unauthenticated")


async def test_a_key_over_its_quota_is_told_when_to_come_back(
    asking: Parts, server: tuple[str, Any], live_lane: LiveLane, ring: KeyRing
) -> None:
    key = await ring.add("small", [Scope.STREAMS], Quotas(bytes_per_day=10))
    async with connect(server[0], additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        await say(socket, settings=live_settings())
        await packets(socket, 0, 1, data=b"sixbyt")
        code, _, messages = await rest(socket)
    assert (code, messages[-1].problem.code) == (1013, "quota-exceeded")
    assert messages[-1].problem.retry_after_seconds > 0
    assert messages[-2].account.received == 1
