"""A live session over a lane with a card: real children, an emulated card or a real one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import av
import msgspec
import pytest

from services.ingest.cuda.decoders import CardDecoders
from services.ingest.decoders.making import Decoders
from services.ingest.limits import IngestLimits
from services.ingest.live import run as live_run
from services.ingest.live.room import Room
from services.ingest.live.service import LiveService
from services.ingest.sources.rules import SourceRules
from services.ingest.videos.checksum import checksum_of
from services.ingest.videos.live import LiveDecoder
from shared.memory import layout
from shared.model.live import (
    FlowChanged,
    KeyFrameAwaited,
    LiveBegan,
    LiveCodec,
    LiveEnded,
    LiveFinished,
    LivePacket,
    LiveSettings,
    OpenLive,
    Reason,
)
from shared.model.looks import Look
from shared.model.pictures import Picture, PixelFormat
from shared.model.sessions import SessionFailed
from shared.testing import MemoryMessage
from shared.transport import wire
from tests.unit.services.ingest.coded import Coded, asked, coded
from tests.unit.services.ingest.conftest import LaneRig
from tests.unit.services.ingest.cuda.conftest import by_cpu as file_by_cpu
from tests.unit.services.ingest.cuda.test_lane import CardLaneRig
from tests.unit.services.ingest.live.test_run import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.unit.services.ingest.cuda.conftest import CardRig

SIZE = (160, 144)
FRAMES_WITHOUT_A_SLOT = 2
"""So many wait until a stream has begun; more would be dropped."""
CODECS = [LiveCodec.H264, LiveCodec.HEVC, LiveCodec.VP9, LiveCodec.AV1]


class Viewer(Client):
    """A client whose frames are large enough for every decoder of a card."""

    def __init__(self, rig: Any, service: LiveService, codec: LiveCodec, lane: CardLaneRig) -> None:
        super().__init__(rig, service, codec)
        self._packets = coded(codec, 60, SIZE)
        self.lane = lane

    @property
    def seen(self) -> list[tuple[int, int]]:
        """Of each frame that render had: its pts and checksum."""
        return [(one.pts, one.checksum) for one in self.lane.told]


@asynccontextmanager
async def connected(card: CardRig, folder: Path, codec: LiveCodec) -> AsyncIterator[Viewer]:
    rig = LaneRig(folder)
    decoders, on_card = Decoders(rig.pool.fd, IngestLimits(), 0), card.decoders()
    made = CardLaneRig(rig, card, decoders, on_card)
    service = LiveService(made.lane, Room(2), SourceRules())
    client = Viewer(rig, service, codec, made)
    try:
        await decoders.start()
        await on_card.start()
        async with rig.running():
            listening = asyncio.create_task(client.listen())
            yield client
            await service.close()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    finally:
        await service.close()
        made.close()
        await on_card.close()
        await decoders.close()
    card.pool.sweep()
    assert card.pool.ledger.in_use == 0


def by_cpu(codec: LiveCodec, count: int) -> list[tuple[int, int]]:
    """Pts and checksum of each frame, as the host's way has them."""
    decoder = LiveDecoder(asked(codec, SIZE), IngestLimits())
    images = []
    for number, packet in enumerate(coded(codec, 60, SIZE)[:count]):
        images += list(decoder.decode(number, packet.pts, packet.body))
    found = []
    for image in [*images, *decoder.flush()]:
        assert decoder.facts is not None
        picture = Picture.blank(decoder.facts.geometry, decoder.facts.colour)
        image.write_into(picture)
        found.append((image.pts, checksum_of(picture)))
    return found


async def sent(client: Viewer, count: int) -> None:
    """One packet after the other, each when the frame before it is seen: none is dropped."""
    await client.rig.until(lambda: client.of(LiveBegan) or client.sent < 2)
    for number in range(count):
        await client.send(1)
        if number:
            await client.rig.until(lambda: len(client.lane.told) >= client.sent - 1)


@pytest.mark.parametrize("codec", CODECS)
async def test_a_streams_frames_lie_on_the_card_and_are_those_of_a_cpu(
    card: CardRig, tmp_path: Path, codec: LiveCodec
) -> None:
    async with connected(card, tmp_path, codec) as client:
        card.needs(client.lane.card.decoders, codec.value)
        await client.open()
        await sent(client, 20)
        await client.say(LiveEnded())
        await client.over()
        assert client.seen == by_cpu(codec, 20)
        assert all(one.on_card for one in client.lane.told)
        [began] = client.of(LiveBegan)
        assert began.facts.geometry.format is PixelFormat.NV12
        assert layout.is_on_card(client.lane.begun[0].epoch)
        assert client.lane.card.taken == {"": 1}
        assert client.skipped == {}


async def test_packets_with_a_header_beside_them_are_decoded_too(
    card: CardRig, tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    """As sources have them that are fetched, and clients that read a file."""
    path = make_video("clip.mp4", frames=12, size=SIZE, options={"tune": "zerolatency"})
    with av.open(str(path)) as container:
        header = bytes(container.streams.video[0].codec_context.extradata or b"")
        packets = [one for one in container.demux(video=0) if one.size]
    async with connected(card, tmp_path, LiveCodec.H264) as client:
        client._packets = [Coded(one.pts // 512 * 40, one.is_keyframe, bytes(one)) for one in packets]
        settings = LiveSettings(input=asked(LiveCodec.H264, SIZE, header=header), look=Look(), max_delay_ms=60_000)
        request = OpenLive(session="s", settings=settings, context="c")
        await client.service.open(MemoryMessage("", wire.encode(request), {}))
        await sent(client, 12)
        await client.rig.until(lambda: len(client.lane.told) == 12)
        assert all(one.on_card for one in client.lane.told)
        assert [one.checksum for one in client.lane.told] == [one[2] for one in file_by_cpu(path).frames]


async def test_what_the_card_does_not_decode_goes_the_hosts_way(card: CardRig, tmp_path: Path) -> None:
    async with connected(card, tmp_path, LiveCodec.MJPEG) as client:
        client._packets = coded(LiveCodec.MJPEG, 60)
        await client.open()
        await sent(client, 5)
        await client.rig.until(lambda: len(client.lane.told) == 5)
        assert not any(one.on_card for one in client.lane.told)
        assert client.lane.card.taken == {"The card does not decode mjpeg.": 1}


async def test_frames_that_find_no_slot_are_dropped_and_the_newest_win(card: CardRig, tmp_path: Path) -> None:
    async with connected(card, tmp_path, LiveCodec.H264) as client:
        await client.open()
        await sent(client, 3)
        await client.rig.until(lambda: len(client.lane.told) >= 3)
        await client.say(FlowChanged(paused=True, held=False))
        await client.send(20)
        await client.rig.until(lambda: len(client.skipped) >= 8)
        assert {reason for _, reason in client.skipped.values()} == {Reason.PAUSED}
        await client.say(FlowChanged(paused=False, held=False))
        await client.say(LiveEnded())
        await client.over()
        told = {frame.live.number for frame in client.told if frame.live is not None}
        assert told.isdisjoint(client.skipped)
        assert told | client.skipped.keys() == set(range(23))
        checksums = dict(by_cpu(LiveCodec.H264, 23))
        assert all(checksums[pts] == checksum for pts, checksum in client.seen)


async def test_a_first_frame_that_is_not_a_cpus_goes_the_hosts_way_from_the_next_key_frame_on(
    card: CardRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = CardDecoders.decode_live

    def wrong(self: CardDecoders, reading: Any, *others: Any) -> Any:
        reading.coded = msgspec.structs.replace(reading.coded, checksum=reading.coded.checksum ^ 1)
        return decode(self, reading, *others)

    monkeypatch.setattr(CardDecoders, "decode_live", wrong)
    async with connected(card, tmp_path, LiveCodec.H264) as client:
        client._packets = coded(LiveCodec.H264, 60)
        await client.open()
        await client.send(1)
        await client.rig.until(lambda: client.of(KeyFrameAwaited))
        again = coded(LiveCodec.H264, 1)[0]
        client._packets[1] = again._replace(pts=40)
        await client.send(1)
        await client.rig.until(lambda: client.lane.told)
        assert not any(one.on_card for one in client.lane.told)
        assert client.lane.card.taken["The card's first frame has other samples than a CPU's."] == 1


async def test_a_killed_card_decoder_ends_its_streams_as_unavailable(card: CardRig, tmp_path: Path) -> None:
    async with connected(card, tmp_path, LiveCodec.H264) as client:
        await client.open()
        await sent(client, 3)
        os.kill(card.process.pid, signal.SIGKILL)
        await client.send(1)
        await client.over()
        [failed] = client.of(SessionFailed)
        assert failed.problem.code == "unavailable"


async def test_a_killed_child_ends_its_stream_alone(card: CardRig, tmp_path: Path) -> None:
    async with connected(card, tmp_path, LiveCodec.H264) as client:
        await client.open()
        await sent(client, 3)
        decoders: Any = client.lane.lane.decoders
        [child] = decoders._forkery._children.values()
        child.kill()
        await client.over()
        assert client.of(SessionFailed)
        assert not client.of(LiveFinished)
        assert client.lane.card.decoders.is_alive


class ScriptedFeed:
    """As `services.ingest.live.feed.SourceFeed`: a source that begins anew in another way."""

    legs: tuple[tuple[LiveCodec, tuple[int, int]], ...] = ()

    def __init__(self, _: str, __: object, ___: object, fed: Any) -> None:
        self._fed = fed

    async def run(self) -> None:
        number = 0
        for codec, size in self.legs:
            await self._fed.switch(asked(codec, size))
            for one in coded(codec, 60, size)[:FRAMES_WITHOUT_A_SLOT]:
                now_ns = time.time_ns()
                self._fed.put(LivePacket(number=number, pts=one.pts, key=one.key, arrived_ns=now_ns, body=one.body))
                number += 1
        await self._fed.switch(None)


@pytest.mark.parametrize(
    ("second", "is_on_card"), [((LiveCodec.HEVC, SIZE), True), ((LiveCodec.HEVC, (192, 160)), False)]
)
async def test_a_source_that_begins_anew_stays_on_the_card_or_ends(
    card: CardRig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    second: tuple[LiveCodec, tuple[int, int]],
    is_on_card: bool,
) -> None:
    monkeypatch.setattr(ScriptedFeed, "legs", ((LiveCodec.H264, SIZE), second))
    monkeypatch.setattr(live_run, "SourceFeed", ScriptedFeed)
    async with connected(card, tmp_path, LiveCodec.H264) as client:
        settings = LiveSettings(input=None, look=Look(), max_delay_ms=60_000)
        request = OpenLive(session="s", settings=settings, context="c", source="rtmp://host/app/name")
        await client.service.open(MemoryMessage("", wire.encode(request), {}))
        await client.over()
        shown = [by_cpu(codec, FRAMES_WITHOUT_A_SLOT) for codec in (LiveCodec.H264, LiveCodec.HEVC)]
        expected = [checksum for frames in shown for _, checksum in frames]
        assert all(one.on_card for one in client.lane.told)
        if is_on_card:
            assert [one.checksum for one in client.lane.told] == expected
        else:
            [failed] = client.of(SessionFailed)
            assert failed.problem.code == "unavailable"
            assert "does not decode" in failed.problem.detail
