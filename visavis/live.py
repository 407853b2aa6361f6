"""Live streams for Python programs, over gRPC: coded frames out, drawn ones back. Asynchronous; needs grpcio."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, Self

import grpc

from visavis.client import GRPC_PORT, ProblemError
from visavis.v1 import streams_pb2, streams_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from visavis.client import Look

MOST_MESSAGE_BYTES = 64 << 20
ADMITTED_SECONDS = 5.0
REFUSED_SECONDS = 1.0
"""So long the status of a call may come after its first metadata, if it is refused."""
_SAYS_HTTP1 = ("http1.x server", "got frame type 80)")
"""Of gRPC's sentences where it is answered by one; it has read `HTTP` for the head of a frame, of which P is the type.
"""
_PORTS = {"": GRPC_PORT, "http": 80, "https": 443}
_PORT = re.compile(r":\d+$")
_TARGET = re.compile(r"(unix|dns):(?!\d+$)")
"""How gRPC's own names of targets begin; what has a number only behind it is a host of that name, and its port."""
_STATUS = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: 503,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.INVALID_ARGUMENT: 422,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
}


class LiveStream:
    """One stream. An asynchronous context: on leaving it the stream is over, cancelled where it was not ended.

    Every method raises ProblemError where the service says no or the stream breaks. A broken one can be gone on with
    for a minute: open another with the same settings, of which the look may be left out, and `resume_token` set
    to that of `opened`.
    """

    def __init__(
        self, address: str, settings: streams_pb2.StreamSettings, key: str = "", *, roots: bytes | None = None
    ) -> None:
        """address: host:port of the gateway's gRPC, or https://host:port where something before it speaks TLS.

        Without a port it is 8701, of http:// 80 and of https:// 443. An IPv6 address with a port stands in brackets,
        `[::1]:8701`; bare, `::1`, it has none. `unix:` and `dns:` begin targets as gRPC names them, without TLS.
        key: the API key, where the service asks for one; without TLS everybody on the way can read it. roots: PEM
        certificates that are believed instead of those that gRPC brings.
        """
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self._address, self._settings, self._roots = address, settings, roots
        self.opened = streams_pb2.Opened()
        """What the service said first; known in the context."""
        self.account: streams_pb2.Account | None = None
        """What became of all packets; known when the messages are over."""

    async def __aenter__(self) -> Self:
        self._channel = _channel(self._address, self._roots)
        stub = streams_pb2_grpc.FaceStreamStub(self._channel)  # type: ignore[no-untyped-call]  # generated
        self._call = stub.Process(metadata=self._metadata)
        try:
            await self._admitted()
            await self._say(settings=self._settings)
            first = await self._next()
        except BaseException:
            await self._close()
            raise
        if first is not None:
            self.opened = first.opened
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def send(self, pts: int, data: bytes, *, key: bool = True) -> None:
        """One coded frame, in order of decoding; waits while many are on their way.

        pts: in units of the input's clock. key: whether it can be decoded without those before it.
        """
        await self._say(packet=streams_pb2.Packet(pts=pts, key=key, data=data))

    async def change_look(self, look: Look) -> None:
        """Another look: a preset's name, or the look as an object. A message says from which pts on it holds."""
        name = look if isinstance(look, str) else json.dumps(look)
        await self._say(change_look=streams_pb2.ChangeLook(look_name=name))

    async def request_key_frame(self) -> None:
        """The next frame that comes back is to be a key frame."""
        await self._say(request_key_frame=streams_pb2.RequestKeyFrame())

    async def pause(self) -> None:
        """No frame is wanted for a while."""
        await self._say(pause=streams_pb2.Pause())

    async def unpause(self) -> None:
        """Frames are wanted again."""
        await self._say(unpause=streams_pb2.Unpause())

    async def end(self) -> None:
        """No packet follows; what is under way still comes."""
        await self._call.done_writing()

    async def __aiter__(self) -> AsyncIterator[streams_pb2.ServerMessage]:
        """Every message of the service, to the end."""
        while (message := await self._next()) is not None:
            if message.HasField("account"):
                self.account = message.account
            yield message

    async def _admitted(self) -> None:
        """Wait for the service's word on the call: grpc.aio forgets a refusal that meets a message on its way.

        Where no such word comes through, which something between here and there may keep, it is gone on without.
        """
        try:
            metadata = dict(await asyncio.wait_for(self._call.initial_metadata(), ADMITTED_SECONDS) or ())
        except TimeoutError:
            return
        if "visavis-trace-id" not in metadata:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._call.code(), REFUSED_SECONDS)
                await self._next()  # raises what it was refused with

    async def _say(self, **message: Any) -> None:
        try:
            await self._call.write(streams_pb2.ClientMessage(**message))
        except grpc.aio.AioRpcError as error:
            raise _problem(error) from error
        except asyncio.InvalidStateError as error:
            raise ProblemError("unreachable", "The stream is over.") from error

    async def _next(self) -> streams_pb2.ServerMessage | None:
        try:
            message: streams_pb2.ServerMessage | Any = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise _problem(error) from error
        if message is not grpc.aio.EOF:
            return message
        if await self._call.code() is not grpc.StatusCode.OK:
            metadata = await self._call.trailing_metadata()
            raise _said(await self._call.code(), await self._call.details(), metadata)
        return None

    async def _close(self) -> None:
        self._call.cancel()
        await self._channel.close()


def _channel(address: str, roots: bytes | None) -> grpc.aio.Channel:
    """Raises ProblemError where that is no address."""
    options = (
        ("grpc.max_receive_message_length", MOST_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MOST_MESSAGE_BYTES),
    )
    scheme, place = _place(address)
    if scheme == "https":
        credentials = grpc.ssl_channel_credentials(roots)  # type: ignore[no-untyped-call]  # grpc has no types
        return grpc.aio.secure_channel(place, credentials, options)
    return grpc.aio.insecure_channel(place, options)


def _place(address: str) -> tuple[str, str]:
    """The scheme, which may be empty, and what gRPC is to go to. Raises ProblemError as `_channel`."""
    if _TARGET.match(address):
        return "", address
    scheme, _, place = address.rpartition("://")
    place = place.rstrip("/")
    if scheme not in _PORTS or not place or "/" in place:
        raise ProblemError("unreachable", f"{address} is no address of gRPC: host:port or https://host:port.")
    with suppress(ValueError):
        place = f"[{IPv6Address(place)}]"
    return scheme, place if _PORT.search(place) else f"{place}:{_PORTS[scheme]}"


def _problem(error: grpc.aio.AioRpcError) -> ProblemError:
    if error.code() is grpc.StatusCode.INTERNAL and not error.trailing_metadata():
        # grpc.aio forgets the service's own words where the end of a stream meets a message that is being sent.
        return ProblemError("unreachable", "The stream broke off while something was sent; its token goes on with it.")
    return _said(error.code(), error.details() or "", error.trailing_metadata())


def _said(code: grpc.StatusCode, details: str, metadata: Any) -> ProblemError:
    carried = {key: value for key, value in metadata or () if isinstance(value, str)}
    word = carried.get("visavis-code", "unreachable")
    if word == "unreachable" and any(sign in details for sign in _SAYS_HTTP1):
        details = f"What answers there speaks HTTP/1, as REST does; by default gRPC is on port {GRPC_PORT}."
    status = 429 if word == "quota-exceeded" else _STATUS.get(code, 500)
    return ProblemError(word, details, status, carried.get("visavis-trace-id", ""))
