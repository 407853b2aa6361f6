"""A video's way through a child that reads it and a card decoder, with real processes and an emulated card."""

from __future__ import annotations

import contextlib
import os
import signal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import pytest

from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.fitness import why_not
from services.ingest.decoders.making import DecoderDied, Decoders, ReadVideo
from services.ingest.limits import IngestLimits
from services.ingest.videos.checksum import checksum_of
from services.ingest.videos.planning import plan_video
from shared.model.errors import FrameLost, Misconfigured, Rejected, Unavailable
from tests.unit.services.ingest.cuda.conftest import SLOTS, by_cpu

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from services.ingest.cuda.decoders import CardDecoders
    from services.ingest.decoders.decoding import Decoding
    from tests.unit.services.ingest.cuda.conftest import CardRig

    MakeVideo = Callable[..., Path]

CODECS = [
    pytest.param({"codec": "libx264", "options": {"bf": "3", "g": "12"}}, "clip.mp4", id="h264 with B-frames"),
    pytest.param({"codec": "libx264", "pts": [0, 1, 5, 6, 20, 21, 22, 30, 31, 40, 41, 42]}, "clip.mkv", id="h264 VFR"),
    pytest.param({"codec": "libx264", "pix_fmt": "yuvj420p"}, "clip.mov", id="h264 full range"),
    pytest.param(
        {"codec": "libx265", "size": (160, 144), "options": {"x265-params": "log-level=none"}}, "clip.mp4", id="hevc"
    ),
    pytest.param({"codec": "libvpx-vp9", "size": (161, 145)}, "clip.webm", id="vp9 of odd size"),
    pytest.param({"codec": "libsvtav1", "size": (160, 144)}, "clip.mkv", id="av1"),
]


@pytest.fixture
async def decoders(pool_fd: int) -> AsyncIterator[Decoders]:
    made = Decoders(pool_fd, IngestLimits(), 0)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def started(card: CardRig, limits: IngestLimits | None = None) -> AsyncIterator[CardDecoders]:
    made = card.decoders(limits)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


@pytest.fixture
async def on_card(card: CardRig) -> AsyncIterator[CardDecoders]:
    async with started(card) as made:
        yield made


async def run(
    card: CardRig,
    reading: Decoding,
    on_card: CardDecoders,
    task: ReadVideo,
    after: Callable[[int], object] = lambda _: None,
) -> tuple[list[tuple[int, int, int]], Any]:
    """Every frame's pts, duration and checksum, and the summary."""
    facts = await reading.opened()
    assert reading.coded is not None
    card.needs(on_card, reading.coded.codec)
    assert why_not(reading.coded, facts, on_card.ranges) == ""
    came = []
    async with on_card.decode(reading, facts, task, card.pool.size_bytes) as decoding:
        there = await decoding.opened()

        def grant() -> None:
            slot = card.pool.lease(there.geometry.size_bytes, "s")
            assert slot is not None
            decoding.grant(slot, *card.pool.extent(slot))

        for _ in range(SLOTS):
            grant()
        async for frame in decoding.frames():
            came.append((frame.pts, frame.duration, checksum_of(card.frame(frame.slot, there))))
            card.pool.abandon(frame.slot)
            after(len(came))
            grant()
    assert decoding.is_over
    for slot in decoding.unused:
        card.pool.abandon(slot)
    return came, decoding.summary


@pytest.mark.parametrize(("wanted", "name"), CODECS)
async def test_frames_on_the_card_are_those_of_a_cpu(
    card: CardRig, decoders: Decoders, on_card: CardDecoders, make_video: MakeVideo, wanted: dict[str, Any], name: str
) -> None:
    path = make_video(name, **wanted)
    expected = by_cpu(path)
    task = ReadVideo(str(path), card=True)
    async with decoders.decode(task) as reading:
        came, summary = await run(card, reading, on_card, task)
    assert came == expected.frames
    assert summary == expected.summary
    assert card.pool.ledger.in_use == 0


async def test_segments_of_a_video_have_the_frames_that_they_have_on_a_cpu(
    card: CardRig, decoders: Decoders, on_card: CardDecoders, make_video: MakeVideo
) -> None:
    path = make_video("clip.mp4", frames=250, options={"g": "25", "keyint_min": "25", "bf": "3"})
    plan = plan_video(path, IngestLimits(), 3, 0.5, lambda: None)
    assert len(plan.spans) > 2
    for span in plan.spans:
        expected = by_cpu(path, plan.facts, span)
        task = ReadVideo(str(path), plan.facts, span, card=True)
        async with decoders.decode(task) as reading:
            came, summary = await run(card, reading, on_card, task)
        assert came == expected.frames
        assert summary == expected.summary


async def test_many_videos_are_decoded_beside_each_other(
    card: CardRig, decoders: Decoders, on_card: CardDecoders, make_video: MakeVideo
) -> None:
    paths = [make_video(f"{number}.mp4", frames=8, size=(64 + 16 * number, 48)) for number in range(3)]
    tasks = [ReadVideo(str(path), card=True) for path in paths]
    async with contextlib.AsyncExitStack() as stack:
        decodings = []
        for task in tasks:
            reading = await stack.enter_async_context(decoders.decode(task))
            facts = await reading.opened()
            there = on_card.decode(reading, facts, task, card.pool.size_bytes)
            decodings.append(await stack.enter_async_context(there))
        coming = [decoding.frames() for decoding in decodings]
        for number in range(8):
            for decoding, frames, path in zip(decodings, coming, paths, strict=True):
                there = await decoding.opened()
                slot = card.pool.lease(there.geometry.size_bytes, "s")
                assert slot is not None
                decoding.grant(slot, *card.pool.extent(slot))
                frame = await anext(frames)
                assert (frame.slot, frame.sequence) == (slot, number)
                assert checksum_of(card.frame(slot, there)) == by_cpu(path).frames[number][2]
                card.pool.abandon(slot)


async def test_a_killed_card_decoder_fails_its_streams_and_is_started_again(
    card: CardRig, decoders: Decoders, on_card: CardDecoders, make_video: MakeVideo
) -> None:
    path = make_video("clip.mp4", frames=40)
    task = ReadVideo(str(path), card=True)

    def kill(count: int) -> None:
        if count == 5:
            os.kill(card.process.pid, signal.SIGKILL)

    async with decoders.decode(task) as reading:
        with pytest.raises(Unavailable, match="card decoder ended"):
            await run(card, reading, on_card, task, kill)
    for slot in range(SLOTS):
        with contextlib.suppress(FrameLost):
            card.pool.abandon(slot)
    assert not card.pool.has_writer
    async with decoders.decode(task) as reading:
        came, _ = await run(card, reading, on_card, task)
    assert came == by_cpu(path).frames


async def test_a_card_decoder_that_stands_still_is_ended_and_started_again(
    card: CardRig, decoders: Decoders, make_video: MakeVideo
) -> None:
    path = make_video("clip.mp4", frames=40)
    task = ReadVideo(str(path), card=True)

    def stop(count: int) -> None:
        if count == 5:
            os.kill(card.process.pid, signal.SIGSTOP)

    async with started(card, IngestLimits(decoder_stall_seconds=5)) as on_card:
        async with decoders.decode(task) as reading:
            with pytest.raises(Unavailable, match="no progress for 5 seconds"):
                await run(card, reading, on_card, task, stop)
        assert not on_card.is_alive
        for slot in range(SLOTS):
            with contextlib.suppress(FrameLost):
                card.pool.abandon(slot)
        async with decoders.decode(task) as reading:
            came, _ = await run(card, reading, on_card, task)
    assert came == by_cpu(path).frames


async def test_a_killed_reader_of_the_file_fails_its_stream_alone(
    card: CardRig, decoders: Decoders, on_card: CardDecoders, make_video: MakeVideo
) -> None:
    path = make_video("clip.mp4", frames=400, size=(320, 240), options={"qp": "0"})  # more than sockets hold
    task = ReadVideo(str(path), card=True)
    async with decoders.decode(task) as reading:
        with pytest.raises(DecoderDied, match="SIGKILL"):
            await run(card, reading, on_card, task, lambda count: reading.kill() if count == 3 else None)
    assert on_card.is_alive


async def test_who_leaves_in_mid_stream_leaves_nobody_who_writes(
    card: CardRig, decoders: Decoders, on_card: CardDecoders, make_video: MakeVideo
) -> None:
    task = ReadVideo(str(make_video("clip.mp4", frames=40)), card=True)
    async with decoders.decode(task) as reading:
        facts = await reading.opened()
        async with on_card.decode(reading, facts, task, card.pool.size_bytes) as decoding:
            decoding.grant(0, *card.pool.extent(0))
            assert (await anext(decoding.frames())).slot == 0
            decoding.grant(1, *card.pool.extent(1))
        assert decoding.is_over
    assert on_card.is_alive


async def test_a_video_that_changes_its_size_is_left_to_a_cpu(
    card: CardRig, decoders: Decoders, on_card: CardDecoders, tmp_path: Path, make_video: MakeVideo
) -> None:
    parts = [make_video(f"{width}.h264", size=(width, 48), frames=6, format="h264") for width in (64, 80)]
    path = remuxed(tmp_path / "both.mkv", parts)
    task = ReadVideo(str(path), card=True)
    async with decoders.decode(task) as reading:
        with pytest.raises(CardRefused, match=r"change their size to 80x48|gives up"):
            await run(card, reading, on_card, task)


def remuxed(path: Path, parts: list[Path]) -> Path:
    """Raw streams of H.264 behind each other, in one file."""
    with av.open(str(path), "w") as target:
        stream = None
        at = 0
        for part in parts:
            with av.open(str(part)) as source:
                if stream is None:
                    stream = target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(source.streams.video[0]):
                    if packet.size:
                        packet.pts = packet.dts = at * 40
                        packet.time_base = Fraction(1, 1000)
                        packet.stream = stream
                        target.mux(packet)
                        at += 1
    return path


@pytest.mark.parametrize(
    ("wanted", "name", "why"),
    [
        ({"codec": "mpeg4"}, "clip.avi", "does not decode mpeg4"),
        ({"codec": "libx264", "pix_fmt": "yuv422p"}, "clip.mp4", "samples are yuv422p"),
        ({"codec": "libx265", "pix_fmt": "yuv420p10le"}, "clip.mp4", "yuv420p10le"),
        ({"codec": "libx264", "rotation": 90}, "clip.mp4", "turned or mirrored"),
    ],
)
async def test_what_is_left_to_a_cpu_goes_on_in_the_child_that_opened_it(
    decoders: Decoders, on_card: CardDecoders, make_video: MakeVideo, wanted: dict[str, Any], name: str, why: str
) -> None:
    path = make_video(name, frames=3, **wanted)
    async with decoders.decode(ReadVideo(str(path), card=True)) as reading:
        facts = await reading.opened()
        assert reading.coded is not None
        assert why in why_not(reading.coded, facts, on_card.ranges)
        for slot in range(3):
            reading.grant(slot, slot << 20, 1 << 20)
        assert [frame.sequence async for frame in reading.frames()] == [0, 1, 2]


async def test_what_a_file_says_wrongly_of_its_limits_is_refused_on_a_card_too(
    card: CardRig, decoders: Decoders, make_video: MakeVideo
) -> None:
    path = make_video("clip.mkv", frames=40)
    task = ReadVideo(str(path), card=True)
    async with started(card, IngestLimits(max_frames=20)) as on_card, decoders.decode(task) as reading:
        with pytest.raises(Rejected) as refused:
            await run(card, reading, on_card, task)
    assert refused.value.code == "too-long"


async def test_a_card_that_cannot_be_used_is_told_with_the_reason(card: CardRig) -> None:
    async with started(card):
        second = card.decoders()
        with pytest.raises(Misconfigured, match="Another process still writes"):
            await second.start()
        await second.close()


async def test_the_card_decoder_has_few_rights_and_dies_with_ingest(card: CardRig, on_card: CardDecoders) -> None:
    process = card.process
    ours = {"PYTHONUTF8", "PYTHONPATH", "LC_CTYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}
    assert process.environ().keys() <= {*ours, *card.environment}
    assert on_card.network.startswith(("none: ", "reachable: "))
    with open(f"/proc/{process.pid}/status") as status:  # noqa: PTH123, ASYNC230  -- of the kernel
        assert "NoNewPrivs:\t1" in status.read()
    assert on_card.busy_seconds > 0
