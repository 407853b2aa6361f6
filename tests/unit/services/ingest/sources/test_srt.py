"""services/ingest/sources/srt.py, with a real socket on loopback."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from services.ingest.messages.source import SourceBytes, SourceEnded
from services.ingest.sources.srt import SourceDatagrams, find_program
from shared.model.addresses import read_networks, read_url
from shared.model.errors import Rejected
from shared.transport.dialing import Dialer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPBACK = read_networks("127.0.0.0/8", "source_networks")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        yield made


class Way:
    """A line to a port of loopback, and what is heard of it."""

    def __init__(self, port: int, dialer: Dialer | None = None) -> None:
        self.heard: asyncio.Queue[SourceBytes | SourceEnded | Exception] = asyncio.Queue()
        url = read_url(f"srt://127.0.0.1:{port}?streamid=secret")
        self.line = SourceDatagrams(url, dialer or Dialer(LOOPBACK), self.heard.put, self.heard.put_nowait)


async def said(way: Way, server: socket.socket, body: bytes) -> tuple[bytes, tuple[str, int]]:
    """Say it until it arrives, as SRT does: what is said before the way is there is lost."""
    loop = asyncio.get_running_loop()
    while True:
        way.line.say(1, body)
        try:
            async with asyncio.timeout(0.2):
                return await loop.sock_recvfrom(server, 2000)
        except TimeoutError:
            continue


async def test_datagrams_go_both_ways_and_keep_their_bounds(server: socket.socket) -> None:
    way = Way(server.getsockname()[1])
    way.line.open(1)
    body, place = await said(way, server, b"ask")
    assert body == b"ask"
    for answer in (b"one", b"two"):
        server.sendto(answer, place)
    assert [await way.heard.get(), await way.heard.get()] == [SourceBytes(b"one", 1), SourceBytes(b"two", 1)]
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"not asked", place)
    server.sendto(b"three", place)
    assert await way.heard.get() == SourceBytes(b"three", 1)
    await way.line.close()
    way.line.say(1, b"too late")


async def test_a_server_that_comes_later_is_heard(server: socket.socket) -> None:
    port = server.getsockname()[1]
    server.close()
    way = Way(port)
    way.line.open(1)
    for _ in range(5):
        way.line.say(1, b"nobody there")
        await asyncio.sleep(0.01)
    with socket.socket(type=socket.SOCK_DGRAM) as late:
        late.bind(("127.0.0.1", port))
        late.setblocking(False)
        _, place = await said(way, late, b"there now")
        late.sendto(b"yes", place)
        assert await way.heard.get() == SourceBytes(b"yes", 1)
    await way.line.close()


async def test_what_no_honest_reader_says_is_refused() -> None:
    way = Way(9)
    with pytest.raises(ValueError, match="no line"):
        way.line.say(1, b"x")
    await way.line.close()
    way.line.open(1)
    with pytest.raises(ValueError, match="too many"):
        way.line.open(2)
    with pytest.raises(ValueError, match="no end"):
        way.line.end(1)
    await way.line.close()


async def test_a_forbidden_address_is_a_failure_that_tells_no_secret() -> None:
    way = Way(9, Dialer())
    way.line.open(1)
    failure = await way.heard.get()
    assert isinstance(failure, Rejected)
    assert "secret" not in str(failure)
    await way.line.close()


def test_a_program_must_have_srt(tmp_path: Path) -> None:
    with_srt, without = tmp_path / "with", tmp_path / "without"
    for path, protocols in ((with_srt, "rtp srt"), (without, "rtp srtp")):
        path.write_text(f"#!/bin/sh\necho {protocols}\n")
        path.chmod(0o755)
    assert find_program(str(with_srt)) == str(with_srt)
    for named in (without, tmp_path / "nowhere"):
        with pytest.raises(Rejected, match=f"{named} has none"):
            find_program(str(named))
