"""services/ingest/sources/lines.py, with a real server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from services.ingest.messages.source import SourceBytes, SourceEnded
from services.ingest.sources.lines import SourceLines
from shared.model.addresses import read_networks, read_url
from shared.model.errors import Rejected, Unavailable
from shared.transport.dialing import Dialer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOPBACK = read_networks("127.0.0.0/8", "source_networks")


class Lines:
    """Lines to a port of loopback, and what is heard of them."""

    def __init__(self, port: int, dialer: Dialer | None = None) -> None:
        self.heard: asyncio.Queue[SourceBytes | SourceEnded | Exception] = asyncio.Queue()
        url = read_url(f"rtmp://127.0.0.1:{port}/a/secret")
        self.lines = SourceLines(url, dialer or Dialer(LOOPBACK), self.heard.put, self.heard.put_nowait)


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """The port of a server that says back what it hears, up to a full stop."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            writer.write(await reader.readuntil(b"."))
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_what_is_said_before_the_connection_is_there_is_sent_then() -> None:
    async with echoing() as port:
        here = Lines(port)
        here.lines.open(1)
        here.lines.say(1, b"to ")
        here.lines.say(1, b"you.")
        assert await here.heard.get() == SourceBytes(b"to you.", 1)
        assert await here.heard.get() == SourceEnded(1)
        here.lines.say(1, b"too late")
        await here.lines.close()


async def test_a_line_cannot_be_opened_twice_nor_used_before() -> None:
    async with echoing() as port:
        here = Lines(port)
        with pytest.raises(ValueError, match="no line"):
            here.lines.say(1, b"x")
        here.lines.open(1)
        with pytest.raises(ValueError, match="already"):
            here.lines.open(1)
        with pytest.raises(ValueError, match="nobody takes"):
            here.lines.say(1, bytes(2 << 20))
        here.lines.end(1)
        here.lines.end(2)
        await here.lines.close()


async def test_a_forbidden_address_is_a_failure_that_tells_no_path() -> None:
    here = Lines(1, Dialer())
    here.lines.open(1)
    failure = await here.heard.get()
    assert isinstance(failure, Rejected)
    assert "secret" not in str(failure)
    await here.lines.close()


async def test_a_server_that_is_not_there_is_a_failure() -> None:
    async with echoing() as port:
        pass
    here = Lines(port)
    here.lines.open(1)
    assert isinstance(await here.heard.get(), Unavailable)
    await here.lines.close()
