"""A live stream in a real child process."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from services.ingest.decoders.making import DecoderDied, DecoderExceeded, Decoders, ReadLive
from services.ingest.limits import IngestLimits
from services.ingest.messages.decoder import CodedFrameRead, DecodedFrame, FramesLate, VideoOpened
from shared.model.errors import Rejected
from shared.model.live import LiveCodec
from tests.unit.services.ingest.coded import asked, coded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.ingest.decoders.live import LiveDecoding

SLOT_BYTES = 1 << 20


@pytest.fixture
async def decoders(pool_fd: int) -> AsyncIterator[Decoders]:
    made = Decoders(pool_fd, IngestLimits(decoder_stall_seconds=1), 1)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


def deadline() -> int:
    return time.time_ns() + 10**12


def put(decoding: LiveDecoding, count: int, codec: LiveCodec = LiveCodec.H264) -> None:
    for number, one in enumerate(coded(codec, count)):
        decoding.put(number, one.pts, deadline(), one.body)


async def run(decoding: LiveDecoding, slots: int = 4) -> list[int]:
    """Grant slots as they come free; the numbers of the frames."""
    numbers = []
    async for said in decoding.happenings():
        if isinstance(said, VideoOpened):
            for slot in range(slots):
                decoding.grant(slot, slot * SLOT_BYTES, SLOT_BYTES)
        if isinstance(said, DecodedFrame):
            numbers.append(said.number)
            decoding.grant(said.slot, said.slot * SLOT_BYTES, SLOT_BYTES)
    return numbers


@pytest.mark.parametrize("codec", [LiveCodec.H264, LiveCodec.AV1, LiveCodec.RGB24])
async def test_frames_come_as_packets_go_and_end_with_them(decoders: Decoders, codec: LiveCodec) -> None:
    async with decoders.decode_live(ReadLive(asked(codec))) as decoding:
        put(decoding, 2, codec)
        decoding.end()
        assert await run(decoding) == [0, 1]
        assert (decoding.summary.frames, decoding.under_way) == (2, 0)


async def test_a_stream_that_sends_nothing_owes_nothing(decoders: Decoders) -> None:
    async with decoders.decode_live(ReadLive(asked(LiveCodec.H264))) as decoding:
        running = asyncio.create_task(run(decoding))
        put(decoding, 1)
        await asyncio.sleep(1.5)  # longer than a decoder may be silent that owes something
        decoding.end()
        assert await running == [0]


async def test_a_stream_at_fault_ends_with_its_reason(decoders: Decoders) -> None:
    async with decoders.decode_live(ReadLive(asked(LiveCodec.H264, (16, 16)))) as decoding:
        [one] = coded(LiveCodec.H264, 1, (16, 8))
        decoding.put(0, 0, deadline(), one.body)
        with pytest.raises(Rejected, match="min_side"):
            await run(decoding)


async def test_a_child_that_hangs_is_ended(decoders: Decoders) -> None:
    async with decoders.decode_live(ReadLive(asked(LiveCodec.H264))) as decoding:
        decoding._under_way.add(7)  # as if it owed an answer
        with pytest.raises(DecoderExceeded, match="decoder_stall_seconds"):
            await run(decoding)
    assert decoding.is_over


async def test_a_child_that_tells_of_frames_nobody_sent_is_not_believed(decoders: Decoders) -> None:
    async with decoders.decode_live(ReadLive(asked(LiveCodec.H264))) as decoding:
        for lie in (FramesLate((3,)), CodedFrameRead(3)):
            with pytest.raises(DecoderDied):
                decoding._checked(lie)
        put(decoding, 1)
        with pytest.raises(DecoderDied):
            decoding._checked(CodedFrameRead(0, passed_over=(0, 0)))
