"""services/ingest/decoders: decoding.py and conversation.py, with a decoder process that an enemy has taken over."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import msgspec
import pytest

from services.ingest.decoders.decoding import DecoderDied, DecoderExceeded, Decoding
from services.ingest.limits import IngestLimits
from services.ingest.messages.decoder import (
    DecodedFrame,
    Finished,
    GoesOn,
    Joined,
    PlanVideo,
    ReadVideo,
    Refused,
    StillOpened,
    VideoOpened,
    VideoPlanned,
    framed,
)
from shared.model.errors import Rejected
from shared.model.media import DecodeSummary, MediaKind, Plan, Span, StillFacts, VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.ingest.messages.decoder import Reply

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


SPANS = (Span(0, 0, 45, 0, 0, 45), Span(40, 45, 85, 40, 5, 40), Span(80, 85, None, 80, 5, 15))


@pytest.fixture
async def planning(enemy: Enemy) -> AsyncIterator[Decoding]:
    async def take() -> Enemy:
        return enemy

    limits = IngestLimits(max_frames=100)
    async with Decoding(take, PlanVideo("film.mp4", 3.0, 0.7), limits, pool_bytes=0) as made:  # type: ignore[arg-type]  # a stand-in
        yield made


async def test_a_plan_of_many_parts_is_heard_out(enemy: Enemy) -> None:
    """As many as a video of the longest kind has, cut as short as can be."""

    async def take() -> Enemy:
        return enemy

    limits, ticks = IngestLimits(max_seconds=86_400, max_frames=10_000_000), 50_000
    count = limits.max_seconds // 2
    spans = tuple(
        Span(n * ticks, n * ticks + 9000 * (n > 0), (n + 1) * ticks + 9000 if n + 1 < count else None,
             n * 10, 2 * (n > 0), 12 if not n else 10 if n + 1 < count else 8)
        for n in range(count)
    )  # fmt: skip
    async with Decoding(take, PlanVideo("film.mp4", 2.0, 0.7), limits, pool_bytes=0) as planning:  # type: ignore[arg-type]  # a stand-in
        planned = asyncio.create_task(planning.planned())
        enemy.say(GoesOn())
        said = memoryview(framed(VideoPlanned(Plan(facts=FACTS, spans=spans))))
        enemy.mouth.setblocking(False)
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().sock_sendall(enemy.mouth, said)
            assert (await planned).segments == count


def one_changed(number: int, **fields: int | None) -> tuple[Span, ...]:
    """The spans, of which one is not as it was."""
    return (*SPANS[:number], msgspec.structs.replace(SPANS[number], **fields), *SPANS[number + 1 :])


@pytest.mark.parametrize("spans", [(), SPANS])
async def test_a_plan_that_makes_a_whole_is_taken(planning: Decoding, enemy: Enemy, spans: tuple[Span, ...]) -> None:
    enemy.say(*[GoesOn()] * 3, VideoPlanned(Plan(facts=FACTS, spans=spans)))
    assert await planning.planned() == Plan(facts=FACTS, spans=spans)


@pytest.mark.parametrize(
    "spans",
    [
        SPANS[2:],
        SPANS[:2],
        SPANS[1:],
        SPANS[::2],
        (SPANS[0], SPANS[2], SPANS[1]),
        one_changed(0, end=44),
        one_changed(0, end=46),
        one_changed(0, frames=44),
        one_changed(0, first=-5, warm=5),
        one_changed(1, warm=4),
        one_changed(1, first=45, warm=0, frames=0),
        one_changed(1, first=50, warm=-5),
        one_changed(1, begins=46),
        one_changed(1, begins=0),
        one_changed(2, end=100),
        one_changed(2, start=45),
        one_changed(2, frames=0),
        one_changed(2, frames=16),
    ],
)  # fmt: skip
async def test_a_plan_with_gaps_and_overlaps_is_refused(
    planning: Decoding, enemy: Enemy, spans: tuple[Span, ...]
) -> None:
    """And one of a single part, of none of its frames, in another order, or of more frames than a video may have."""
    enemy.say(VideoPlanned(Plan(facts=FACTS, spans=spans)))
    with pytest.raises(DecoderDied, match="do not make a whole"):
        await planning.planned()


async def test_the_facts_of_a_plan_are_looked_at_too(planning: Decoding, enemy: Enemy) -> None:
    enemy.say(VideoPlanned(Plan(facts=changed(time_base=(1, 0)), spans=SPANS)))
    with pytest.raises(DecoderDied, match="should have refused"):
        await planning.planned()


@pytest.mark.parametrize("reply", [VideoOpened(FACTS), Joined(MediaKind.MP4), Finished(DecodeSummary(frames=0))])
async def test_a_plan_is_not_answered_with_something_else(planning: Decoding, enemy: Enemy, reply: Reply) -> None:
    enemy.say(GoesOn(), reply)
    with pytest.raises(DecoderDied, match="something else than the progress of a plan"):
        await planning.planned()


def fall_silent(decoding: Decoding, seconds: float) -> None:
    """As if so much time had gone by since the child was heard."""
    decoding._watching.cancel()
    decoding._owes_since -= seconds
    decoding._talk.heard_at -= seconds
    decoding._watch()


async def test_a_plan_goes_on_as_long_as_it_says_so(planning: Decoding, enemy: Enemy) -> None:
    """Together the silences are far longer than one may be."""
    most = IngestLimits().decoder_stall_seconds * 10
    planned = asyncio.create_task(planning.planned())
    for _ in range(5):
        fall_silent(planning, most / 2)
        before = planning._talk.heard_at
        enemy.say(GoesOn())
        async with asyncio.timeout(10):
            while planning._talk.heard_at == before:  # noqa: ASYNC110  -- what is heard wakes nobody else
                await asyncio.sleep(0.001)
    enemy.say(VideoPlanned(Plan(facts=FACTS)))
    assert (await planned).segments == 1


async def test_a_plan_that_falls_silent_for_long_is_given_up(planning: Decoding) -> None:
    fall_silent(planning, IngestLimits().decoder_stall_seconds * 10)
    with pytest.raises(DecoderExceeded, match="decoder_stall_seconds"):
        await planning.planned()


async def test_a_child_is_not_blamed_for_the_time_in_which_we_stood_still_ourselves(
    planning: Decoding, enemy: Enemy
) -> None:
    """As after SIGSTOP and SIGCONT, or on a machine that was asleep: it may have been waiting for us."""
    seconds = IngestLimits().decoder_stall_seconds * 10
    planning._watched_at -= seconds
    fall_silent(planning, seconds)
    enemy.say(VideoPlanned(Plan(facts=FACTS)))
    assert (await planning.planned()).segments == 1
    fall_silent(planning, seconds)
    with pytest.raises(DecoderExceeded, match="decoder_stall_seconds"):
        await planning.planned()
