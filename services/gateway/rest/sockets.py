"""Live streams over a WebSocket: the messages of `visavis.v1.FaceStream`, one binary message each.

`end` says what closing the sending side says over gRPC. A stream that fails ends with the message `problem`, and with
the close code 1003 (text), 1008 (what was sent is wrong), 1011 (something broke here) or 1013 (come back).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, WebSocket
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no stubs
from starlette.websockets import WebSocketDisconnect, WebSocketState

from services.gateway.access import tell_owner
from services.gateway.calls import Call, served
from services.gateway.full_traces import grant
from services.gateway.live.call import LiveCall
from services.gateway.live.messages import problem_message
from services.gateway.problems import Refusal, status_of
from services.gateway.requests import propagated
from services.gateway.scopes import Needs
from shared.model.keys import Scope
from shared.runtime.instruments import HTTP_REQUEST
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.calls import Failure
    from services.gateway.parts import Parts

PATH = "/v1/streams/ws"
PROTOCOL = "visavis.v1"
"""The subprotocol that is spoken. Who offers any, as pages do that have a key, offers this one too."""
CLIENT_GONE = 499
"""What nginx logs where a client does not wait for its answer."""
MOST_REASON_BYTES = 123
"""RFC 6455, 5.5: a control frame has 125 bytes, two of which are the code."""
_NORMAL, _UNSUPPORTED, _WRONG, _BROKEN, _LATER = 1000, 1003, 1008, 1011, 1013
_CLOSE_CODES = {408: _LATER, 415: _UNSUPPORTED, 429: _LATER, 500: _BROKEN, 503: _LATER, 504: _LATER}
router = APIRouter()


class _Gone(ConnectionError):  # noqa: N818  -- an outcome
    """The client is not there any more."""


@router.websocket(PATH)
async def stream(socket: WebSocket, needs: Annotated[Needs, Depends(Needs(Scope.STREAMS).later)]) -> None:
    """A stream from its first message to its last."""
    parts: Parts = socket.app.state.parts
    if not may_open(socket.headers.get("origin", ""), socket.headers.get("host", ""), parts.settings.web_origins):
        await socket.close(_WRONG)  # before it is accepted: the browser sees a 403
        return
    await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)

    async def refuse(failure: Failure, trace_id: str) -> None:
        await _end(socket, failure, trace_id)

    call = Call(PATH, HTTP_REQUEST, _attributes, propagated(socket.scope))
    try:
        async with served(parts.telemetry, call, refuse) as about:
            about.caller = await needs.admit(socket)
            tell_owner(parts.telemetry, about.caller)
            grant(socket.headers, about.caller)
            live = LiveCall(parts.live, _said(socket), _Sender(socket), about.trace_id, about.caller)
            try:
                await live.run()
            finally:
                about.facts |= live.facts()
            await _close(socket, _NORMAL)
    except (ConnectionError, WebSocketDisconnect):
        return  # nobody is there who could be told


def _attributes(code: str) -> dict[str, str | int]:
    """A socket is a GET that was switched over (RFC 6455); how it ended is said as the status of a plain answer."""
    status = {"ok": 101, "cancelled": CLIENT_GONE}.get(code) or status_of(code)
    return {"http.request.method": "GET", "http.route": PATH, "http.response.status_code": status}


def may_open(origin: str, host: str, allowed: str) -> bool:
    """Whether a page of `origin` may open a WebSocket here; browsers ask nobody before. allowed: `web_origins`."""
    if not origin or urlsplit(origin).netloc == host:
        return True
    known = {one.strip().rstrip("/") for one in allowed.split(",")}
    return "*" in known or origin in known


def close_code(code: str) -> int:
    """How a socket is closed after a problem."""
    return _CLOSE_CODES.get(status_of(code), _WRONG)


def cut(reason: str) -> str:
    """As much of a sentence as goes into a close frame."""
    return reason.encode()[:MOST_REASON_BYTES].decode(errors="ignore")


class _Sender:
    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def __call__(self, message: streams_pb2.ServerMessage) -> None:
        try:
            await self._socket.send_bytes(message.SerializeToString())
        except (WebSocketDisconnect, RuntimeError) as error:  # the latter: uvicorn has closed it by itself
            raise _Gone from error


async def _said(socket: WebSocket) -> AsyncIterator[streams_pb2.ClientMessage]:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise _Gone
        body = message.get("bytes")
        if body is None:
            raise Refusal("unsupported-media", "Messages are binary: one ClientMessage of visavis.v1 each.")
        yield _parsed(body)


def _parsed(body: bytes) -> streams_pb2.ClientMessage:
    """What cannot be read says nothing, and is refused for that."""
    message = streams_pb2.ClientMessage()
    try:
        message.ParseFromString(body)
    except DecodeError:
        message.Clear()
    return message


async def _end(socket: WebSocket, failure: Failure, trace_id: str) -> None:
    if socket.client_state is WebSocketState.DISCONNECTED:
        return
    await _Sender(socket)(problem_message(failure, trace_id))
    await _close(socket, close_code(failure.code), cut(failure.detail))


async def _close(socket: WebSocket, code: int, reason: str = "") -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # it is closed already
        await socket.close(code, reason)
