"""shared/transport/dialing.py."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from shared.model.addresses import read_networks
from shared.model.errors import Rejected, Unavailable
from shared.transport.dialing import Dialer
from tests.certificates import signed_by_itself

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

LOOPBACK = read_networks("127.0.0.0/29", "source_networks")


class Names:
    """Answers each look-up with the next of its answers, and stays with the last."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Of a server on loopback that says hello and hangs up."""

    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_it_connects_to_a_network_that_is_allowed(port: int) -> None:
    reader, writer = await Dialer(LOOPBACK).open("127.0.0.1", port, encrypted=False)
    assert await reader.read() == b"hello"
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0"])
async def test_no_form_of_loopback_is_connected_to(host: str, port: int) -> None:
    with pytest.raises((Rejected, Unavailable)) as refused:
        await Dialer().connect(host, port)
    assert isinstance(refused.value, Unavailable) or "VISAVIS_SOURCE_NETWORKS" in str(refused.value)


async def test_a_name_with_one_forbidden_address_is_refused_as_a_whole(port: int) -> None:
    names = Names(["127.0.0.1", "127.0.0.9"])
    with pytest.raises(Rejected, match="not public") as refused:
        await Dialer(LOOPBACK, resolve=names).connect("rebound.example", port)
    assert refused.value.code == "source-refused"


async def test_a_name_that_answers_otherwise_later_is_not_asked_again(port: int) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    connected = await Dialer(LOOPBACK, resolve=names).connect("rebound.example", port)
    with connected:
        assert connected.getpeername() == ("127.0.0.1", port)
    assert names.asked == 1
    with pytest.raises(Rejected):
        await Dialer(LOOPBACK, resolve=names).connect("rebound.example", port)


async def test_the_next_address_is_tried_where_one_does_not_answer(port: int) -> None:
    connected = await Dialer(LOOPBACK, resolve=Names(["127.0.0.2", "127.0.0.1"])).connect("two.example", port)
    with connected:
        assert connected.getpeername()[0] == "127.0.0.1"


async def test_a_host_that_does_not_answer_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Unavailable, match="connected to"):
        await Dialer(LOOPBACK).connect("127.0.0.1", port)


async def test_a_name_without_an_address_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="no address"):
        await Dialer(resolve=Names([])).connect("none.example", 1)


async def test_a_look_up_that_takes_too_long_is_given_up() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(Unavailable, match=r"0\.05 seconds"):
        await Dialer(seconds=0.05, resolve=never).connect("slow.example", 1)


async def test_where_no_tls_was_wanted_none_is_spoken_of(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(**_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(asyncio, "open_connection", broken)
    with pytest.raises(Unavailable, match=r"^No connection: "):
        await Dialer(LOOPBACK).open("127.0.0.1", port, encrypted=False)


async def test_a_certificate_of_somebody_else_is_no_connection(port: int) -> None:
    with pytest.raises(Unavailable, match="No encrypted connection"):
        await Dialer(LOOPBACK, seconds=5).open("127.0.0.1", port, encrypted=True)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of `tls.example`, signed by itself, with its key."""
    certificate, key = signed_by_itself(tmp_path, "DNS:tls.example")
    file = tmp_path / "both.pem"
    file.write_bytes(key.read_bytes() + certificate.read_bytes())
    return file


@pytest.mark.parametrize("name", ["tls.example", "other.example"])
async def test_a_certificate_is_verified_against_the_name(certificate: Path, name: str) -> None:
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate)

    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(hello, "127.0.0.1", 0, ssl=own) as server:
        trusting = ssl.create_default_context(cafile=certificate)
        dialer = Dialer(LOOPBACK, seconds=5, resolve=Names(["127.0.0.1"]), tls=trusting)
        port = server.sockets[0].getsockname()[1]
        if name != "tls.example":
            with pytest.raises(Unavailable, match="No encrypted connection to other"):
                await dialer.open(name, port, encrypted=True)
            return
        reader, writer = await dialer.open(name, port, encrypted=True)
        assert await reader.read() == b"hello"
        writer.transport.abort()
