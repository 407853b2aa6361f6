"""services/ingest/sources/reading.py with demuxer/process.py: a real child that demuxes, and one that lies."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import pytest

from services.ingest.decoders.making import DecoderDied, Decoders
from services.ingest.messages.decoder import Finished, framed
from services.ingest.messages.source import (
    Kind,
    LineWanted,
    SourceBytes,
    SourceNotice,
    SourcePacket,
    VideoFormat,
)
from services.ingest.sources.reading import SourceReading
from services.ingest.sources.rules import SourceRules
from shared.model.addresses import read_networks, read_url
from shared.model.errors import Rejected
from shared.model.media import DecodeSummary
from shared.transport.dialing import Dialer
from tests.unit.services.ingest.conftest import write_video
from tests.web import Web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.ingest.sources.reading import SourceItem

RULES = SourceRules(networks=read_networks("127.0.0.0/8", "source_networks"))
FORMAT = VideoFormat("h264", b"")


def reading(url: str, take_child: Any, spend: Any = lambda _: None) -> SourceReading:
    return SourceReading(read_url(url), RULES, Dialer(RULES.networks), take_child, spend)


async def everything(of: SourceReading) -> list[SourceItem]:
    async with of:
        return [item async for item in _until_over(of)]


async def _until_over(of: SourceReading) -> AsyncIterator[SourceItem]:
    while (item := await of.next()) is not None:
        yield item


def clip(tmp_path: Path, name: str, frames: int = 25, **wanted: Any) -> bytes:
    return write_video(tmp_path / name, frames=frames, options={"g": "5"}, audio="aac", **wanted).read_bytes()


async def test_a_file_is_fetched_and_demuxed(decoders: Decoders, web: Web, tmp_path: Path) -> None:
    web.files["/a.ts"] = clip(tmp_path, "a.ts")
    found = await everything(reading(web.url("/a.ts"), decoders.take_child))
    assert len([item for item in found if isinstance(item, SourcePacket) and item.kind is Kind.VIDEO]) == 25


async def test_legs_of_a_playlist_may_differ_in_everything(decoders: Decoders, web: Web, tmp_path: Path) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    web.files |= {
        "/x": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\nb.ts\n"
        b"#EXT-X-DISCONTINUITY\n#EXTINF:1,\nc.mp4\n#EXT-X-ENDLIST\n",
        "/a.ts": clip(tmp_path, "a.ts"),
        "/b.ts": clip(tmp_path, "b.ts", size=(128, 96)),
        "/c.mp4": clip(tmp_path, "c.mp4", size=(32, 32), container=fragments),
    }
    found = await everything(reading(web.url("/x"), decoders.take_child))
    assert [(item.width, item.height) for item in found if isinstance(item, VideoFormat)] == [
        (64, 48), (128, 96), (32, 32),
    ]  # fmt: skip
    legs = [item.leg for item in found if isinstance(item, SourcePacket) and item.kind is Kind.VIDEO]
    assert legs == [0] * 25 + [1] * 25 + [2] * 25


@pytest.mark.parametrize("body", [b"<html>no</html>", b"\0\0\0\x10ftypmp42\0\0\0\0\0\0\x10\0mdat", b"RIFF    AVI "])
async def test_a_file_that_is_not_read_is_refused(decoders: Decoders, web: Web, body: bytes) -> None:
    web.files["/a"] = body + bytes(1000)
    with pytest.raises(Rejected):
        await everything(reading(web.url("/a"), decoders.take_child))


async def test_bytes_are_counted_and_too_many_end_it(decoders: Decoders, web: Web, tmp_path: Path) -> None:
    web.files["/a.ts"] = clip(tmp_path, "a.ts")

    def spend(count: int) -> None:
        raise Rejected("too-large", "enough")

    with pytest.raises(Rejected, match="enough"):
        await everything(reading(web.url("/a.ts"), decoders.take_child, spend))


async def test_it_can_be_left_at_any_time(decoders: Decoders, web: Web, tmp_path: Path) -> None:
    web.files["/a.ts"] = clip(tmp_path, "a.ts", frames=250)
    before = asyncio.all_tasks()
    async with reading(web.url("/a.ts"), decoders.take_child) as left:
        await left.next()
    assert left._child.is_dead
    assert {task for task in asyncio.all_tasks() - before if "Decoders" not in repr(task)} == set()


async def test_what_the_reader_says_to_its_loopback_reaches_the_source(decoders: Decoders) -> None:
    said = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1) == b"\x03":  # RTMP's first byte came through the tunnel
            said.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"rtmp://127.0.0.1:{server.sockets[0].getsockname()[1]}/a/b"
        with pytest.raises(Rejected, match="cannot be read"):
            await everything(reading(url, decoders.take_child))
    assert said.is_set()


class Liar:
    """A child that says what it is told to say."""

    def __init__(self, *replies: Any) -> None:
        self.connection, self._theirs = socket.socketpair()
        self.connection.setblocking(False)
        for reply in replies:
            self._theirs.sendall(framed(reply))
        self.is_dead = False

    async def take(self) -> Any:
        return self

    def kill(self) -> None:
        self.is_dead = True
        self._theirs.close()

    async def died(self) -> None:
        """It is."""

    async def ended(self) -> int:
        return 1


def packet(body: bytes = b"x", *, key: bool = True, kind: Kind = Kind.VIDEO, leg: int = 0) -> SourcePacket:
    return SourcePacket(kind, 0, 0, 0, key, body, leg)


@pytest.mark.parametrize(
    "lies",
    [
        [packet()],
        [FORMAT, packet(key=False)],
        [FORMAT, packet(kind=Kind.SOUND)],
        [FORMAT, packet(b"")],
        [FORMAT, packet(leg=1), packet(leg=0)],
        [VideoFormat("gif", b"")],
        [SourceNotice("source-lost", "You are lost.")],
        [SourceBytes(b"x", 1)],
        [LineWanted(1), LineWanted(1)],
        [LineWanted(99)],
        [FORMAT, SourcePacket(Kind.VIDEO, 1 << 63, 0, 0, True, b"x")],
    ],
)
async def test_a_reader_that_breaks_the_rules_is_not_believed(lies: list[Any]) -> None:
    url = "rtmp://127.0.0.1:1/a/b"
    with pytest.raises(DecoderDied):
        await everything(reading(url, Liar(*lies, Finished(DecodeSummary(frames=0))).take))


async def test_what_is_fetched_needs_no_line(web: Web) -> None:
    with contextlib.suppress(OSError), pytest.raises(DecoderDied, match="line"):
        await everything(reading(web.url("/a"), Liar(LineWanted(1)).take))


async def test_whoever_does_not_take_packets_stops_the_source(decoders: Decoders, tmp_path: Path) -> None:
    data = clip(tmp_path, "a.ts", frames=100, size=(640, 480)) * 500
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(data), 1 << 16):
                writer.write(data[start : start + (1 << 16)])
                await writer.drain()
                sent += 1 << 16
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.ts"
        async with reading(url, decoders.take_child) as slow:
            await slow.next()
            before = -1
            while before != sent:  # until nothing moves any more
                before = sent
                await asyncio.sleep(0.3)
    assert len(data) > 60 << 20
    assert sent < 30 << 20
