"""services/ingest/decoding.py and conversation.py, with a decoder process that has been taken over by an enemy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import msgspec
import pytest

from services.ingest.decoder_messages import (
    DecodedFrame,
    Finished,
    Joined,
    ReadVideo,
    Refused,
    StillOpened,
    VideoOpened,
    framed,
)
from services.ingest.decoding import DecoderDied, DecoderExceeded, Decoding
from services.ingest.limits import IngestLimits
from shared.model.errors import Rejected
from shared.model.media import DecodeSummary, MediaKind, StillFacts, VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.ingest.decoder_messages import Reply

FACTS = VideoFacts(geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 25), frame_rate=(25, 1))
SLOT_BYTES = FACTS.geometry.size_bytes


class Enemy:
    """Stands for a child process: the test speaks for it."""

    def __init__(self) -> None:
        self.connection, self.mouth = socket.socketpair()
        self.connection.setblocking(False)
        self.is_dead = False

    def kill(self) -> None:
        self.is_dead = True

    async def died(self) -> None:
        return

    async def ended(self) -> int | None:
        return 0

    def say(self, *replies: Reply) -> None:
        self.mouth.sendall(b"".join(framed(reply) for reply in replies))


@pytest.fixture
async def enemy() -> AsyncIterator[Enemy]:
    made = Enemy()
    yield made
    made.mouth.close()


@pytest.fixture
async def decoding(enemy: Enemy) -> AsyncIterator[Decoding]:
    async def take() -> Enemy:
        return enemy

    limits = IngestLimits()
    async with Decoding(take, ReadVideo("film.mp4"), limits, pool_bytes=4 * SLOT_BYTES) as made:  # type: ignore[arg-type]  # a stand-in
        yield made
    assert enemy.is_dead


async def everything(decoding: Decoding) -> list[DecodedFrame]:
    return [frame async for frame in decoding.frames()]


def changed(**fields: object) -> VideoFacts:
    return msgspec.structs.replace(FACTS, **fields)


@pytest.mark.parametrize(
    "facts",
    [
        changed(geometry=Geometry(PixelFormat.I420, 1 << 20, 1 << 20)),
        changed(geometry=Geometry(PixelFormat.I420, -64, -48)),
        changed(geometry=Geometry(PixelFormat.RGB24, 64, 48)),
        changed(time_base=(1, 0)),
        changed(frame_rate=(0, 1)),
        changed(sample_aspect=(1, -1)),
        changed(field_order=3),
    ],
)
async def test_facts_that_should_have_been_refused_are(decoding: Decoding, enemy: Enemy, facts: VideoFacts) -> None:
    enemy.say(VideoOpened(facts))
    with pytest.raises(DecoderDied, match="should have refused"):
        await decoding.opened()


async def test_a_video_is_not_answered_with_a_still(decoding: Decoding, enemy: Enemy) -> None:
    enemy.say(StillOpened(StillFacts(geometry=Geometry(PixelFormat.RGB24, 64, 48), kind=MediaKind.PNG)))
    with pytest.raises(DecoderDied):
        await decoding.opened()


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        ([DecodedFrame(1, 0, 0, 1)], "made room for"),
        ([DecodedFrame(0, 0, 0, 1), DecodedFrame(0, 1, 1, 1)], "made room for"),
        ([DecodedFrame(0, 1, 0, 1)], "out of order"),
        ([DecodedFrame(0, 0, 5, 1), DecodedFrame(2, 1, 5, 1)], "out of order"),
        ([Joined(MediaKind.MP4)], "made room for"),
        ([DecodedFrame(0, 0, 0, 1), Finished(DecodeSummary(frames=2))], "counts other frames"),
    ],
)
async def test_lies_about_frames_are_found(
    decoding: Decoding, enemy: Enemy, frames: list[Reply], complaint: str
) -> None:
    enemy.say(VideoOpened(FACTS), *frames)
    await decoding.opened()
    for slot in (0, 2):
        decoding.grant(slot, slot * SLOT_BYTES, SLOT_BYTES)
    with pytest.raises(DecoderDied, match=complaint):
        await everything(decoding)


@pytest.mark.parametrize("said", [b"\x05\x00\x00\x00hello", b"\xff\xff\xff\xff", b"\x01\x00\x00\x00\xc0"])
async def test_noise_is_no_message(decoding: Decoding, enemy: Enemy, said: bytes) -> None:
    enemy.mouth.sendall(said)
    with pytest.raises(DecoderDied, match="no message of a decoder"):
        await decoding.opened()


async def test_a_flood_is_not_taken_in(decoding: Decoding, enemy: Enemy) -> None:
    """The enemy's socket fills up: it is left to wait."""
    enemy.mouth.setblocking(False)
    assert await flood(enemy.mouth) < 64 << 20
    with pytest.raises(DecoderDied):
        await decoding.opened()


async def flood(mouth: socket.socket) -> int:
    """Frames without end, as long as somebody reads; returns how many bytes went."""
    frames = framed(DecodedFrame(0, 0, 0, 1)) * 1000
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 64 << 20:
            sent += mouth.send(frames)
            await asyncio.sleep(0)
    return sent


async def test_a_message_in_small_pieces_is_understood(decoding: Decoding, enemy: Enemy) -> None:
    for byte in framed(VideoOpened(FACTS)):
        enemy.mouth.sendall(bytes([byte]))
        await asyncio.sleep(0)
    assert await decoding.opened() == FACTS


async def test_what_was_said_before_the_end_is_heard(decoding: Decoding, enemy: Enemy) -> None:
    decoding.grant(0, 0, SLOT_BYTES)
    enemy.mouth.recv(1000)
    enemy.say(VideoOpened(FACTS), DecodedFrame(0, 0, 0, 1))
    enemy.mouth.close()
    frames = aiter(decoding.frames())
    assert (await anext(frames)).slot == 0
    with pytest.raises(DecoderDied, match="without an answer"):
        await anext(frames)


@pytest.mark.parametrize(("code", "error"), [("too-large", Rejected), ("too-demanding", DecoderExceeded)])
async def test_a_refusal_keeps_its_code(decoding: Decoding, enemy: Enemy, code: str, error: type[Rejected]) -> None:
    enemy.say(Refused(code, "It is too much."))
    with pytest.raises(error, match="It is too much") as caught:
        await decoding.opened()
    assert caught.value.code == code
