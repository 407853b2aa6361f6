"""The client of live streams, and a service that refuses at once. Streams that are taken: tests/system/test_live.py."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import uvicorn

from shared.runtime.listening import Listener, bound
from tests.certificates import signed_by_itself
from visavis import live
from visavis.client import ProblemError
from visavis.live import LiveStream
from visavis.v1 import streams_pb2, streams_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

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


class Reticent(streams_pb2_grpc.FaceStreamServicer):
    """Takes every stream, and says so once it has the settings only."""

    def __init__(self, metadata: Sequence[tuple[str, str]]) -> None:
        self._metadata = tuple(metadata)

    def Process(  # noqa: N802  -- the contract's own name
        self, request_iterator: Iterator[streams_pb2.ClientMessage], context: grpc.ServicerContext
    ) -> Iterator[streams_pb2.ServerMessage]:
        """Open it."""
        if self._metadata:
            context.send_initial_metadata(self._metadata)
        next(request_iterator)
        yield streams_pb2.ServerMessage(opened=streams_pb2.Opened(resume_seconds=7))


@contextmanager
def served(
    servicer: streams_pb2_grpc.FaceStreamServicer,
    credentials: grpc.ServerCredentials | None = None,
    socket: str = "",
) -> Iterator[str]:
    """host:port of a service that is nothing else. credentials: with them it speaks TLS, and nothing without.

    socket: as gRPC names it, where it listens too.
    """
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        streams_pb2_grpc.add_FaceStreamServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
        own = "127.0.0.1:0"
        port = server.add_secure_port(own, credentials) if credentials else server.add_insecure_port(own)
        if socket:
            server.add_insecure_port(socket)
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


@pytest.fixture
def refusing() -> Iterator[str]:
    """One that takes no stream."""
    with served(Refusing()) as address:
        yield address


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[str, bytes]]:
    """host:port of one that takes every stream and speaks TLS, and the certificate that vouches for it."""
    certificate, key = (path.read_bytes() for path in signed_by_itself(tmp_path))
    admitted = Reticent([("visavis-trace-id", TRACE)])
    with served(admitted, grpc.ssl_server_credentials([(key, certificate)])) as address:
        yield address, certificate


async def refusal_of(address: str, roots: bytes | None = None) -> ProblemError:
    stream = LiveStream(address, streams_pb2.StreamSettings(look_name="none"), roots=roots)
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


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body"})


async def test_the_address_of_rest_is_told_as_that() -> None:
    socket, url = bound("127.0.0.1", 0, "It", "its_port")
    listener = Listener(uvicorn.Config(_nothing, lifespan="off", log_config=None))
    with socket:
        serving = await listener.listen(socket)
        told = await refusal_of(url)
        listener.should_exit = True
        await serving
    assert told.code == "unreachable"
    assert told.detail == "What answers there speaks HTTP/1, as REST does; by default gRPC is on port 8701."


@pytest.mark.parametrize(
    "words",
    [
        "Trying to connect an http1.x server (HTTP status 400)",
        "Failed parsing HTTP/2 (Expected SETTINGS frame as the first frame, got frame type 80)",
    ],
)
def test_grpc_has_several_words_for_what_speaks_http1(words: str) -> None:
    assert "speaks HTTP/1, as REST does" in live._said(grpc.StatusCode.UNAVAILABLE, words, None).detail


@pytest.mark.parametrize("metadata", [[], [("server", "a proxy")]], ids=["nothing", "words of another"])
async def test_who_is_admitted_without_a_word_goes_on(
    metadata: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ADMITTED_SECONDS", 0.3)
    monkeypatch.setattr(live, "REFUSED_SECONDS", 0.3)
    settings = streams_pb2.StreamSettings(look_name="none")
    with served(Reticent(metadata)) as address:
        async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(address, settings) as stream:
            assert stream.opened.resume_seconds == 7


@pytest.mark.parametrize("end", ["", "/"])
async def test_tls_is_spoken_where_the_address_says_so(encrypted: tuple[str, bytes], end: str) -> None:
    address, certificate = encrypted
    stream = LiveStream(f"https://{address}{end}", streams_pb2.StreamSettings(look_name="none"), roots=certificate)
    async with asyncio.timeout(PATIENCE_SECONDS), stream:
        assert stream.opened.resume_seconds == 7


async def test_who_cannot_prove_who_he_is_is_told_nothing(encrypted: tuple[str, bytes]) -> None:
    address, _ = encrypted
    for said in (f"https://{address}", f"http://{address}", address):
        assert (await refusal_of(said)).code == "unreachable"


@pytest.mark.parametrize("address", ["ftp://127.0.0.1:1", "https://", "http://127.0.0.1:1/v1"])
async def test_what_is_no_address_is_said(address: str) -> None:
    told = await refusal_of(address)
    assert (told.code, told.detail) == (
        "unreachable",
        f"{address} is no address of gRPC: host:port or https://host:port.",
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What gRPC was asked to go to, and whether under TLS."""
    places: list[tuple[str, str]] = []
    monkeypatch.setattr(live.grpc.aio, "insecure_channel", lambda place, _: places.append((place, "plain")))
    monkeypatch.setattr(live.grpc.aio, "secure_channel", lambda place, *_: places.append((place, "TLS")))
    return places


@pytest.mark.parametrize(
    ("address", "place", "how"),
    [
        ("https://gateway", "gateway:443", "TLS"),
        ("http://gateway", "gateway:80", "plain"),
        ("https://[::1]", "[::1]:443", "TLS"),
        ("https://[::1]:8443", "[::1]:8443", "TLS"),
        ("gateway:8701", "gateway:8701", "plain"),
    ],
)
async def test_a_scheme_has_a_port_of_its_own(asked: list[tuple[str, str]], address: str, place: str, how: str) -> None:
    live._channel(address, None)
    assert asked == [(place, how)]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("gateway", "gateway:8701"),
        ("[::1]", "[::1]:8701"),
        ("::1", "[::1]:8701"),
        ("fe80::1%eth0", "[fe80::1%eth0]:8701"),
        ("[::1]:9", "[::1]:9"),
    ],
)
async def test_without_a_scheme_the_port_is_that_of_grpc(
    asked: list[tuple[str, str]], address: str, place: str
) -> None:
    live._channel(address, None)
    assert asked == [(place, "plain")]


@pytest.mark.parametrize("target", ["unix:/run/visavis", "unix:///run/visavis", "dns:gateway", "dns:///gateway:9"])
async def test_a_target_of_grpc_is_taken_as_it_is(asked: list[tuple[str, str]], target: str) -> None:
    live._channel(target, None)
    assert asked == [(target, "plain")]


async def test_a_host_that_is_named_as_a_kind_of_target_has_a_port(asked: list[tuple[str, str]]) -> None:
    live._channel("dns:8701", None)
    live._channel("unix", None)
    assert asked == [("dns:8701", "plain"), ("unix:8701", "plain")]


@pytest.mark.parametrize("kind", ["dns:", "dns:///", "unix:"])
async def test_a_stream_is_had_by_a_target_of_grpc(kind: str, tmp_path: Path) -> None:
    socket = f"unix:{tmp_path / 'grpc'}" if kind == "unix:" else ""
    with served(Reticent([("visavis-trace-id", TRACE)]), socket=socket) as address:
        stream = LiveStream(socket or f"{kind}{address}", streams_pb2.StreamSettings(look_name="none"))
        async with asyncio.timeout(PATIENCE_SECONDS), stream:
            assert stream.opened.resume_seconds == 7
