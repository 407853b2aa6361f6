"""services/ingest/decoders: making.py and forking.py with what runs in services/ingest/confined: real processes."""

from __future__ import annotations

import asyncio
import contextlib
import io
import mmap
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import msgspec
import numpy as np
import psutil
import pytest
from PIL import Image

from services.ingest.decoders.making import (
    DecoderDied,
    DecoderExceeded,
    Decoders,
    Decoding,
    Join,
    PlanVideo,
    ReadAsset,
    ReadStill,
    ReadVideo,
)
from services.ingest.limits import IngestLimits
from services.ingest.videos.file import VideoFile
from services.ingest.videos.planning import plan_video
from shared.model.assets import PreparedLut, PreparedPicture, unpack
from shared.model.errors import Rejected
from shared.model.media import MediaKind
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    MakeVideo = Callable[..., Path]

SLOT_BYTES = 1 << 20
SLOTS = 4


@pytest.fixture
async def decoders(pool_fd: int) -> AsyncIterator[Decoders]:
    async with started(pool_fd, IngestLimits()) as made:
        yield made


@contextlib.asynccontextmanager
async def started(pool_fd: int, limits: IngestLimits, spare: int = 1) -> AsyncIterator[Decoders]:
    decoders = Decoders(pool_fd, limits, spare)
    try:
        await decoders.start()
        yield decoders
    finally:
        await decoders.close()


def grant(decoding: Decoding, slot: int) -> None:
    decoding.grant(slot, slot * SLOT_BYTES, SLOT_BYTES)


async def run(decoding: Decoding, on_frame: Callable[[Any], None] = lambda _: None) -> int:
    """Grant every slot, and each one again when it was written; returns how many frames came."""
    await decoding.opened()
    for slot in range(SLOTS):
        grant(decoding, slot)
    count = 0
    async for frame in decoding.frames():
        on_frame(frame)
        count += 1
        grant(decoding, frame.slot)
    return count


def processes() -> list[psutil.Process]:
    """Every living process that this one has started, and those started by them."""
    found = psutil.Process().children(recursive=True)
    return [process for process in found if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    """A dead one may be reaped at any moment, also while it is asked."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def fork_servers() -> list[psutil.Process]:
    """Of this process: system tests of the same run may have services running below it."""
    living = [one for one in psutil.Process().children() if is_alive(one)]
    return [one for one in living if "services.ingest.confined.fork_server" in one.cmdline()]


def decoder_processes() -> list[psutil.Process]:
    return [process for server in fork_servers() for process in server.children()]


def working() -> psutil.Process:
    """The one decoder process that has a task, and with it its limits."""
    [found] = [process for process in decoder_processes() if process.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)]
    return found


async def test_frames_lie_in_the_slots_that_were_granted(
    decoders: Decoders, pool_fd: int, make_video: MakeVideo
) -> None:
    path = make_video("clip.mp4", frames=30)
    pool = np.frombuffer(mmap.mmap(pool_fd, 0), np.uint8)
    with VideoFile(path, IngestLimits()) as video:
        expected = []
        for frame in video.frames():
            memory = np.empty(video.facts.geometry.size_bytes, np.uint8)
            frame.write_into(Picture.over(video.facts.geometry, video.facts.colour, memory))
            expected.append((frame.pts, memory))
    async with decoders.decode(ReadVideo(str(path))) as decoding:

        def check(frame: Any) -> None:
            pts, memory = expected[frame.sequence]
            start = frame.slot * SLOT_BYTES
            assert frame.pts == pts
            assert np.array_equal(pool[start : start + memory.size], memory)

        assert await run(decoding, check) == 30
        assert decoding.summary.frames == 30
        assert set(decoding.unused) == set(range(SLOTS))


async def test_nothing_outside_the_granted_slot_is_written(
    decoders: Decoders, pool_fd: int, make_video: MakeVideo
) -> None:
    pool = np.frombuffer(mmap.mmap(pool_fd, 0), np.uint8)
    pool[:] = 7
    async with decoders.decode(ReadVideo(str(make_video("clip.mp4", frames=1)))) as decoding:
        facts = await decoding.opened()
        decoding.grant(0, SLOT_BYTES, facts.geometry.size_bytes)
        assert [frame.slot async for frame in decoding.frames()] == [0]
    written = slice(SLOT_BYTES, SLOT_BYTES + facts.geometry.size_bytes)
    assert (np.delete(pool, written) == 7).all()
    assert (pool[written] != 7).any()


async def test_a_still_is_read(decoders: Decoders, pool_fd: int, encoded_still: Callable[..., bytes]) -> None:
    data = encoded_still("PNG")
    async with decoders.decode(ReadStill(data)) as decoding:
        facts = await decoding.opened()
        assert await run(decoding) == 1
    samples = np.frombuffer(mmap.mmap(pool_fd, 0), np.uint8, facts.geometry.size_bytes).reshape(48, 64, 3)
    assert np.array_equal(samples, np.asarray(Image.open(io.BytesIO(data))))


async def test_a_join_runs_in_a_process_too(decoders: Decoders, make_video: MakeVideo, tmp_path: Path) -> None:
    source, part, target = make_video("s.mp4", audio="aac"), make_video("part.mp4"), tmp_path / "out.mp4"
    task = Join(source=str(source), parts=(str(part),), target=str(target))
    assert await decoders.join(task) is MediaKind.MP4
    assert target.stat().st_size > part.stat().st_size


async def test_parts_that_do_not_fit_together_are_told_in_a_sentence(
    decoders: Decoders, make_video: MakeVideo, tmp_path: Path
) -> None:
    parts = (make_video("0.mp4", size=(32, 32)), make_video("1.mp4", size=(64, 48)))
    task = Join(source=None, parts=tuple(map(str, parts)), target=str(tmp_path / "out.mp4"))
    with pytest.raises(Rejected, match="encoded with different settings") as raised:
        await decoders.join(task)
    assert raised.value.code == "internal"


async def test_more_parts_are_joined_than_a_process_may_have_open(
    decoders: Decoders, make_video: MakeVideo, tmp_path: Path
) -> None:
    parts = [
        make_video(f"{n}.mp4", size=(32, 32), frames=2, pts=[2 * n, 2 * n + 1], options={"bf": "0"}) for n in range(100)
    ]
    task = Join(source=None, parts=tuple(map(str, parts)), target=str(tmp_path / "out.mp4"))
    assert await decoders.join(task) is MediaKind.MP4
    joined = times_of(tmp_path / "out.mp4")
    assert joined == [time for part in parts for time in times_of(part)]
    assert len(joined) == 200


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        return [float(packet.pts * packet.time_base) for packet in file.demux(video=0) if packet.pts is not None]


def long_clip(make_video: MakeVideo, frames: int = 250) -> Path:
    """With a key frame a second."""
    return make_video("clip.mp4", frames=frames, options={"g": "25", "keyint_min": "25", "sc_threshold": "0"})


async def test_a_plan_is_made_in_a_process_too(decoders: Decoders, make_video: MakeVideo) -> None:
    path = long_clip(make_video)
    plan = await decoders.plan(PlanVideo(str(path), 3.0, 0.7))
    assert plan == plan_video(path, IngestLimits(), 3.0, 0.7, lambda: None)
    assert plan.segments == 3
    assert (await decoders.plan(PlanVideo(str(path), 0, 0.7))).spans == ()


async def test_a_long_plan_tells_that_it_goes_on(
    decoders: Decoders, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child sends its word between the packets, and the parent takes it for no answer."""
    said: list[Any] = []
    wait = Decoding._next

    async def listen(decoding: Decoding) -> Any:
        said.append(await wait(decoding))
        return said[-1]

    monkeypatch.setattr(Decoding, "_next", listen)
    plan = await decoders.plan(PlanVideo(str(long_clip(make_video, frames=5001)), 60, 0.7))
    assert sum(span.frames for span in plan.spans) == 5001
    assert [type(one).__name__ for one in said] == ["GoesOn", "VideoPlanned"]


async def test_what_cannot_be_planned_is_refused(decoders: Decoders, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("no film")
    with pytest.raises(Rejected, match="This is no media file"):
        await decoders.plan(PlanVideo(str(tmp_path / "film.mp4"), 3.0, 0.7))


async def test_a_part_is_read_and_made_to_fit(decoders: Decoders, pool_fd: int, make_video: MakeVideo) -> None:
    path = long_clip(make_video)
    plan = await decoders.plan(PlanVideo(str(path), 3.0, 0.7))
    fit = msgspec.structs.replace(plan.facts, frames_expected=7)
    pool, span, seen = np.frombuffer(mmap.mmap(pool_fd, 0), np.uint8), plan.spans[1], []
    with VideoFile(path, IngestLimits(), fit=fit, span=span) as video:
        expected = []
        for frame in video.frames():
            memory = np.empty(fit.geometry.size_bytes, np.uint8)
            frame.write_into(Picture.over(fit.geometry, fit.colour, memory))
            expected.append((frame.pts, memory.tobytes()))

    def look(frame: Any) -> None:
        start = frame.slot * SLOT_BYTES
        seen.append((frame.pts, pool[start : start + fit.geometry.size_bytes].tobytes()))

    async with decoders.decode(ReadVideo(str(path), fit, span)) as decoding:
        assert await decoding.opened() == fit
        assert await run(decoding, look) == span.warm + span.frames
    assert seen == expected


CUBE = b"LUT_1D_SIZE 2\n0 0 0\n1 1 1\n"


def asset_task(folder: Path, data: bytes) -> ReadAsset:
    (folder / "source").write_bytes(data)
    return ReadAsset(str(folder / "source"), str(folder / "target"))


async def test_assets_are_read_into_a_file(
    decoders: Decoders, encoded_still: Callable[..., bytes], tmp_path: Path
) -> None:
    task = asset_task(tmp_path, encoded_still("PNG"))
    await decoders.read_asset(task)
    picture = unpack((tmp_path / "target").read_bytes())
    assert isinstance(picture, PreparedPicture)
    assert np.array_equal(picture.pictures[0][..., :3], np.asarray(Image.open(task.source)))
    await decoders.read_asset(asset_task(tmp_path, CUBE))
    assert isinstance(unpack((tmp_path / "target").read_bytes()), PreparedLut)


@pytest.mark.parametrize("data", [b"no asset", CUBE + b"2 2 2\n", b"GIF89a" + bytes(20)])
async def test_a_refused_asset_leaves_no_file(decoders: Decoders, tmp_path: Path, data: bytes) -> None:
    task = asset_task(tmp_path, data)
    with pytest.raises(Rejected):
        await decoders.read_asset(task)
    assert not (tmp_path / "target").exists()


async def test_an_asset_that_takes_much_memory_is_refused(pool_fd: int, tmp_path: Path) -> None:
    body = io.BytesIO()
    Image.new("RGB", (2000, 2000)).save(body, "PNG")
    async with started(pool_fd, IngestLimits(decoder_memory_bytes=2 << 20)) as decoders:
        with pytest.raises(DecoderExceeded, match="decoder_memory_bytes"):
            await decoders.read_asset(asset_task(tmp_path, body.getvalue()))


async def test_a_refusal_comes_through_with_its_words(decoders: Decoders, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("no film")
    async with decoders.decode(ReadVideo(str(tmp_path / "film.mp4"))) as decoding:
        with pytest.raises(Rejected, match="This is no media file") as caught:
            await decoding.opened()
    assert caught.value.code == "unsupported-media"


async def test_a_killed_child_is_told_from_a_refusal(decoders: Decoders, make_video: MakeVideo) -> None:
    async with decoders.decode(ReadVideo(str(make_video("clip.mp4", frames=60)))) as decoding:
        await decoding.opened()
        grant(decoding, 0)
        frames = aiter(decoding.frames())
        await anext(frames)
        working().send_signal(signal.SIGKILL)
        with pytest.raises(DecoderDied, match="SIGKILL"):
            await anext(frames)
    async with decoders.decode(ReadVideo(str(make_video("clip.mp4", frames=8)))) as decoding:
        assert await run(decoding) == 8


async def test_leaving_early_leaves_no_process(decoders: Decoders, make_video: MakeVideo) -> None:
    async with decoders.decode(ReadVideo(str(make_video("clip.mp4", frames=60)))) as decoding:
        await decoding.opened()
        process = working()
    assert not is_alive(process)


async def test_leaving_waits_for_a_stopped_child_to_be_dead(decoders: Decoders, make_video: MakeVideo) -> None:
    async with decoders.decode(ReadVideo(str(make_video("clip.mp4", frames=60)))) as decoding:
        await decoding.opened()
        working().suspend()
    assert decoding.is_over


async def test_cancelling_ends_the_child(decoders: Decoders, make_video: MakeVideo) -> None:
    async def stuck() -> None:
        async with decoders.decode(ReadVideo(str(make_video("clip.mp4", frames=60)))) as decoding:
            opened.set_result(decoding)
            await run_without_grants(decoding)

    opened: asyncio.Future[Decoding] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(stuck())
    decoding = await opened
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert decoding.is_over


async def test_a_child_that_comes_in_the_moment_in_which_nobody_wants_it_any_more_is_ended(
    decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    forkery = decoders._forkery
    forked, came = forkery._forked, asyncio.Event()

    def forked_and_cancelled(token: int, pid: int, pidfd: int) -> None:
        forked(token, pid, pidfd)
        if not came.is_set():
            came.set()
            asking.cancel()

    before = set(forkery._children)
    monkeypatch.setattr(forkery, "_forked", forked_and_cancelled)
    asking = asyncio.create_task(forkery.fork())
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert came.is_set()
    async with asyncio.timeout(10):
        while set(forkery._children) - before:  # noqa: ASYNC110  -- the fork server tells of its death
            await asyncio.sleep(0.01)


async def run_without_grants(decoding: Decoding) -> None:
    async for _ in decoding.frames():
        pass


async def test_memory_is_bounded(pool_fd: int, make_video: MakeVideo) -> None:
    body = io.BytesIO()
    Image.new("RGB", (3000, 3000)).save(body, "PNG")
    video = make_video("clip.mkv", codec="ffv1", size=(4096, 2304), frames=2)
    os.ftruncate(pool_fd, 32 << 20)
    async with started(pool_fd, IngestLimits(decoder_memory_bytes=2 << 20)) as decoders:
        for task in (ReadStill(body.getvalue()), ReadVideo(str(video))):
            async with decoders.decode(task) as decoding:
                with pytest.raises(DecoderExceeded, match="decoder_memory_bytes"):
                    await opened_and_granted(decoding)


async def opened_and_granted(decoding: Decoding) -> None:
    await decoding.opened()
    decoding.grant(0, 0, 32 << 20)
    async for _ in decoding.frames():
        pass


async def test_processor_time_is_bounded(pool_fd: int, make_video: MakeVideo) -> None:
    path = make_video("clip.gif", codec="gif", pix_fmt="rgb8", frames=3, size=(900, 700))
    head, tail = path.read_bytes()[:-1].rsplit(b"\x21\xf9", 1)
    path.write_bytes(head + (b"\x21\xf9" + tail) * 2500 + b"\x3b")
    async with (
        started(pool_fd, IngestLimits(decoder_cpu_seconds=1)) as decoders,
        decoders.decode(ReadVideo(str(path))) as decoding,
    ):
        with pytest.raises(DecoderExceeded, match="decoder_cpu_seconds"):
            await run(decoding)


async def test_a_silent_child_is_ended(pool_fd: int, make_video: MakeVideo) -> None:
    async with (
        started(pool_fd, IngestLimits(decoder_stall_seconds=1)) as decoders,
        decoders.decode(ReadVideo(str(make_video("clip.mp4")))) as decoding,
    ):
        await decoding.opened()
        working().suspend()
        grant(decoding, 0)
        with pytest.raises(DecoderExceeded, match="decoder_stall_seconds"):
            await run_without_grants(decoding)


async def test_waiting_for_a_slot_is_no_silence(pool_fd: int, make_video: MakeVideo) -> None:
    async with (
        started(pool_fd, IngestLimits(decoder_stall_seconds=1)) as decoders,
        decoders.decode(ReadVideo(str(make_video("clip.mp4", frames=2)))) as decoding,
    ):
        await decoding.opened()
        frames = aiter(decoding.frames())
        first = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(1.6)
        grant(decoding, 0)
        assert (await first).sequence == 0


async def test_a_grant_must_lie_in_the_pool_and_be_large_enough(decoders: Decoders, make_video: MakeVideo) -> None:
    async with decoders.decode(ReadVideo(str(make_video("clip.mp4")))) as decoding:
        facts = await decoding.opened()
        with pytest.raises(ValueError, match="does not lie in the pool"):
            decoding.grant(0, (8 << 20) - 10, SLOT_BYTES)
        with pytest.raises(ValueError, match="a frame takes"):
            decoding.grant(0, 0, facts.geometry.size_bytes - 1)
        grant(decoding, 0)
        with pytest.raises(ValueError, match="granted already"):
            grant(decoding, 0)


async def test_a_dead_fork_server_is_replaced(decoders: Decoders, make_video: MakeVideo) -> None:
    for server in fork_servers():
        server.kill()
    await asyncio.sleep(0.2)  # for the news to arrive
    path = str(make_video("clip.mp4", frames=8))
    async with decoders.decode(ReadVideo(path)) as one, decoders.decode(ReadVideo(path)) as other:
        assert await asyncio.gather(run(one), run(other)) == [8, 8]


async def test_the_end_of_the_fork_server_ends_its_children_for_certain(
    decoders: Decoders, make_video: MakeVideo
) -> None:
    async with decoders.decode(ReadVideo(str(make_video("clip.mp4", frames=60)))) as decoding:
        await decoding.opened()
        grant(decoding, 0)
        frames = aiter(decoding.frames())
        await anext(frames)
        for server in fork_servers():
            server.kill()
        with pytest.raises(DecoderDied, match="together with the process that started it"):
            await anext(frames)
        assert decoding.is_over


async def test_closing_leaves_no_process(pool_fd: int, make_video: MakeVideo) -> None:
    before = set(processes())
    async with started(pool_fd, IngestLimits(), spare=3) as decoders:
        assert len(set(processes()) - before) == 4
        async with decoders.decode(ReadVideo(str(make_video("clip.mp4")))) as decoding:
            await decoding.opened()
            await decoders.close()
            assert not set(processes()) - before


PARENT = """
import asyncio, os, sys
from services.ingest.decoders.making import Decoders, ReadVideo
from services.ingest.limits import IngestLimits

async def main():
    decoders = Decoders(os.open(sys.argv[1], os.O_RDWR), IngestLimits(), spare=2)
    await decoders.start()
    async with decoders.decode(ReadVideo(sys.argv[2])) as decoding:
        await decoding.opened()
        print("open", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_killed_parent_takes_every_process_with_it(pool_fd: int, make_video: MakeVideo, tmp_path: Path) -> None:
    arguments = (sys.executable, "-c", PARENT, str(tmp_path / "pool"), str(make_video("clip.mp4")))
    parent = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[5]
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"open\n"
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) >= 3
    parent.kill()
    await parent.wait()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert (len(gone), alive) == (len(family), [])


@pytest.fixture
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_KEY", "a secret of the service")


@pytest.mark.usefixtures("_secret")
async def test_a_decoder_process_has_few_rights(pool_fd: int, make_video: MakeVideo) -> None:
    async with (
        started(pool_fd, IngestLimits()) as decoders,
        decoders.decode(ReadVideo(str(make_video("clip.mp4")))) as decoding,
    ):
        await decoding.opened()
        process = working()
        status, environment = await asyncio.to_thread(lambda: [said(process, name) for name in ("status", "environ")])
        assert b"NoNewPrivs:\t1" in status
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert process.rlimit(psutil.RLIMIT_AS)[0] < 4 << 30
        assert b"a secret of the service" not in environment
        assert process.nice() == min(19, IngestLimits().decoder_niceness + os.nice(0))


def said(process: psutil.Process, name: str) -> bytes:
    return Path(f"/proc/{process.pid}/{name}").read_bytes()
