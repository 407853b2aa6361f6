"""Fetched sources against a real origin: nginx-rtmp, published to by FFmpeg's command line."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from services.ingest.decoders.making import Decoders
from services.ingest.limits import IngestLimits
from services.ingest.messages.source import Kind, SoundFormat, SourceNotice, SourcePacket, VideoFormat
from services.ingest.sources.pulling import PulledSource
from services.ingest.sources.rules import SourceRules
from shared.model.addresses import read_networks
from shared.model.errors import Unavailable
from tests.system.origin import Origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path

    from services.ingest.sources.reading import SourceItem

RULES = SourceRules(
    networks=read_networks("127.0.0.0/8", "source_networks"), limits=IngestLimits(source_silence_seconds=4)
)


@pytest.fixture
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with Origin(tmp_path_factory.mktemp("origin")) as running:
        yield running


@pytest.fixture
async def decoders(tmp_path: Path) -> AsyncIterator[Decoders]:
    pool = os.open(tmp_path / "pool", os.O_RDWR | os.O_CREAT)
    os.ftruncate(pool, 1 << 20)
    made = Decoders(pool, IngestLimits(), 1)
    try:
        await made.start()
        yield made
    finally:
        await made.close()
        os.close(pool)


class Watch:
    """What has come so far, and a way to wait until something has."""

    def __init__(self) -> None:
        self.found: list[SourceItem] = []
        self._changed = asyncio.Condition()

    async def pull(self, source: PulledSource, until: Callable[[Sequence[SourceItem]], bool]) -> list[SourceItem]:
        async with source:
            async for item in source.packets():
                async with self._changed:
                    self.found.append(item)
                    self._changed.notify_all()
                if until(self.found):
                    break
        return self.found

    async def until(self, holds: Callable[[Sequence[SourceItem]], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: holds(self.found))


async def take(source: PulledSource, until: Callable[[Sequence[SourceItem]], bool]) -> list[SourceItem]:
    """What the source has until that is so; it is left then."""
    return await Watch().pull(source, until)


def frames(found: Sequence[SourceItem]) -> list[SourcePacket]:
    return [item for item in found if isinstance(item, SourcePacket) and item.kind is Kind.VIDEO]


def kinds(found: Sequence[SourceItem]) -> list[str]:
    return [item.kind for item in found if isinstance(item, SourceNotice)]


def sizes(found: Sequence[SourceItem]) -> list[tuple[int, int]]:
    return [(item.width, item.height) for item in found if isinstance(item, VideoFormat)]


def check_order(found: Sequence[SourceItem]) -> None:
    """Each kind's times grow, and every leg begins with a key frame after its format."""
    for kind in Kind:
        times = [item.dts for item in found if isinstance(item, SourcePacket) and item.kind is kind]
        assert all(after > before for before, after in pairwise(times))
    assert isinstance(found[0], VideoFormat | SourceNotice)
    legs: dict[int, SourcePacket] = {}
    for packet in frames(found):
        legs.setdefault(packet.leg, packet)
    assert all(packet.key for packet in legs.values())


async def test_a_stream_is_read_over_rtmp_and_over_its_hls(origin: Origin, decoders: Decoders) -> None:
    origin.publish("both")
    over_rtmp = await take(PulledSource(origin.rtmp("both"), RULES, decoders), lambda found: len(frames(found)) > 60)
    await asyncio.to_thread(origin.wait_for_playlist, "both")
    over_hls = await take(PulledSource(origin.hls("both"), RULES, decoders), lambda found: len(frames(found)) > 60)
    for found in (over_rtmp, over_hls):
        check_order(found)
        assert (320, 180) in sizes(found)
        (sound,) = {item for item in found if isinstance(item, SoundFormat)}
        assert (sound.codec, sound.rate, sound.channels) == ("aac", 44_100, 1)
        steps = {after.dts - before.dts for before, after in pairwise(frames(found))}
        assert all(3500 <= step <= 3700 for step in steps)


async def test_an_origin_that_dies_and_comes_back_is_gone_on_with(origin: Origin, decoders: Decoders) -> None:
    first = origin.publish("phoenix")
    watch = Watch()

    def until(found: Sequence[SourceItem]) -> bool:
        return bool(frames(found)) and frames(found)[-1].leg > 0 and len(frames(found)) > 60

    pulling = asyncio.create_task(watch.pull(PulledSource(origin.rtmp("phoenix"), RULES, decoders), until))
    try:
        await watch.until(lambda found: len(frames(found)) >= 30)
        await asyncio.to_thread(origin.end)
        await asyncio.to_thread(origin.stop, first)
        await watch.until(lambda found: "source-lost" in kinds(found))
        await asyncio.to_thread(origin.begin)
        origin.publish("phoenix")
        found = await pulling
    finally:
        pulling.cancel()
    check_order(found)
    assert kinds(found)[-1] == "source-recovered"


@pytest.mark.parametrize("way", ["rtmp", "hls"])
async def test_a_publisher_that_comes_again_with_another_size_and_clock(
    origin: Origin, decoders: Decoders, way: str
) -> None:
    first = origin.publish("twice")
    if way == "hls":
        await asyncio.to_thread(origin.wait_for_playlist, "twice")
    watch = Watch()

    def until(found: Sequence[SourceItem]) -> bool:
        last = frames(found)
        return len(last) > 40 and (480, 270) in sizes(found) and last[-1].leg > 0

    url = origin.rtmp("twice") if way == "rtmp" else origin.hls("twice")
    pulling = asyncio.create_task(watch.pull(PulledSource(url, RULES, decoders), until))
    try:
        await watch.until(lambda found: len(frames(found)) >= 30)
        await asyncio.to_thread(origin.stop, first)
        origin.publish("twice", size="480x270")
        found = await pulling
    finally:
        pulling.cancel()
    check_order(found)
    assert [size for size in sizes(found) if size[0]][-1] == (480, 270)


async def test_srt_is_read_with_its_passphrase_and_when_it_comes_back_in_another_size(
    origin: Origin, decoders: Decoders
) -> None:
    first, url = origin.serve_srt("call")
    watch = Watch()

    def until(found: Sequence[SourceItem]) -> bool:
        last = frames(found)
        return len(last) > 40 and (480, 270) in sizes(found) and last[-1].leg > 0

    pulling = asyncio.create_task(watch.pull(PulledSource(url, RULES, decoders), until))
    try:
        await watch.until(lambda found: len(frames(found)) >= 30)
        await asyncio.to_thread(origin.stop, first)
        origin.serve_srt("call", size="480x270")
        found = await pulling
    finally:
        pulling.cancel()
    check_order(found)
    assert {item.codec for item in found if isinstance(item, SoundFormat)} == {"aac"}
    assert [kind for kind in kinds(found) if kind != "source-stalled"] == ["source-lost", "source-recovered"]


async def test_srt_with_another_passphrase_is_told_without_it(origin: Origin, decoders: Decoders) -> None:
    _, url = origin.serve_srt("locked")
    wrong = url.replace("not%20to", "never%20to")
    rules = replace(RULES, limits=IngestLimits(source_silence_seconds=4, source_retries=0))
    with pytest.raises(Unavailable, match="gives nothing: it is not there, or refuses stream id or passphrase") as told:
        await take(PulledSource(wrong, rules, decoders), lambda _: False)
    assert "told" not in str(told.value)
