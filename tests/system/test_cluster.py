"""Two lanes on hosts of their own and a NATS cluster of three: a part of it is lost, and no frame of a job is."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Self

import pytest

from shared.model.live import RESUME_SECONDS
from shared.transport.topology import FRAMES, STREAMS
from tests.system.barcodes import RATE, read_clip, write_clip
from tests.system.fleet import Fleet
from tests.system.live_clips import coded
from tests.system.watching import until
from visavis.client import Client, ProblemError
from visavis.live import LiveStream
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.system.live_clips import Coded

SECONDS = 8
FRAMES_OF_A_JOB = SECONDS * RATE
PATIENCE_SECONDS = 120
PACE_SECONDS = 0.2
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def fleet(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Jobs are cut into segments of two seconds; the past of streams is kept in a Redis that all hosts reach."""
    folder = tmp_path_factory.mktemp("fleet")
    with Fleet(folder, models, {"VISAVIS_SEGMENT_SECONDS": "2"}) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def clips(portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Each of its frames says in its pixels which it is."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [folder / f"{number}.mp4" for number in range(2)]
    for number, path in enumerate(paths):
        write_clip(path, portrait, number, FRAMES_OF_A_JOB)
    return paths


@pytest.fixture(scope="module")
def packets(portrait: bytes) -> list[Coded]:
    return coded(portrait, 900)


class Stream:
    """A live stream at an even pace, until it is told to end or breaks. A context: afterwards nothing of it runs."""

    def __init__(self, fleet: Fleet, packets: list[Coded], token: str = "") -> None:
        """token: of the stream that it goes on with."""
        asked = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=640, height=360, rate=5)
        wanted: Any = {"look_name": "none", "max_delay_ms": 20_000, "want_faces": True, "resume_token": token}
        self.stream = LiveStream(fleet.grpc, streams_pb2.StreamSettings(input=asked, **wanted))
        self._packets = packets
        self.frames: list[Any] = []
        self.resumed = False
        self.last_s = 0.0
        """When the last frame came (time.monotonic)."""
        self._ending = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        await self.has(3)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    @property
    def is_broken(self) -> bool:
        """Whether it has come to an end that nobody wanted."""
        return self._running.done()

    async def has(self, more: int) -> None:
        """Until so many frames more have come. Fails where it breaks."""
        wanted = len(self.frames) + more
        await so(lambda: self.is_broken or len(self.frames) >= wanted, f"{more} frames more have come")
        if self.is_broken:
            await self._running

    async def end(self) -> streams_pb2.Account:
        """Send no more; what became of all packets. Raises ProblemError where it breaks."""
        self._ending.set()
        await asyncio.wait_for(self._running, PATIENCE_SECONDS)
        assert self.stream.account is not None
        return self.stream.account

    async def _run(self) -> None:
        async with self.stream:
            sending = asyncio.create_task(self._send())
            try:
                async for message in self.stream:
                    if message.HasField("frame"):
                        self.frames.append(message.frame)
                        self.last_s = time.monotonic()
                    elif message.HasField("began"):
                        self.resumed = message.began.resumed
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    async def _send(self) -> None:
        for packet in self._packets:
            await self.stream.send(packet.pts, packet.data, key=packet.key)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), PACE_SECONDS)
                break
        await self.stream.end()


async def so(true: Callable[[], bool], what: str) -> None:
    """Wait until it is so, while streams go on."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():  # noqa: ASYNC110  -- of other processes
            await asyncio.sleep(0.05)
    assert true(), what


class Work:
    """A job of each clip, all at once. Results are looked at frame by frame."""

    def __init__(self, fleet: Fleet, clips: list[Path], folder: Path) -> None:
        self._fleet, self._clips, self._folder = fleet, clips, folder
        self._jobs: list[str] = []

    async def begun(self) -> Self:
        """When frames of every job are drawn, and no job is done."""
        with Client(self._fleet.rest) as client:
            self._jobs = [client.submit_job(clip, look="natural", want="picture")["id"] for clip in self._clips]
            for job in self._jobs:
                await asyncio.to_thread(until, client, job, lambda found: found["frames"] > 0)
        return self

    async def lanes_that_did_it(self) -> set[str]:
        """All that are named by the parts of jobs, when these are done and every frame is there, once, in its place."""
        with Client(self._fleet.rest) as client:
            for number, job in enumerate(self._jobs):
                found = await asyncio.to_thread(until, client, job, lambda found: found["state"] in {"done", "failed"})
                assert found["state"] == "done", found["problem"]
                client.download(job, self._folder / job)
                assert read_clip(self._folder / job) == [(number, frame) for frame in range(FRAMES_OF_A_JOB)]
        return {part.owner.partition("/")[0] for job in self._jobs for part in self._fleet.entry(job).parts}


async def gone_on_with(fleet: Fleet, packets: list[Coded], broken: Stream, exits: AsyncExitStack) -> Stream:
    """The stream that goes on with one that broke, in the lane that is left, and knows its past while that is kept."""
    await so(lambda: broken.is_broken, "the stream has broken")
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        again = Stream(fleet, packets, broken.stream.opened.resume_token)
        try:
            await exits.enter_async_context(again)
        except ProblemError as problem:
            if problem.code not in {"unavailable", "unreachable", "no-room"} or time.monotonic() > end:
                raise
            await asyncio.sleep(0.3)  # gateway and bus have not noticed yet what is gone
        else:
            break
    assert again.resumed or time.monotonic() - broken.last_s > RESUME_SECONDS, "only a busy machine takes so long"
    if again.resumed:
        assert {face.track for face in again.frames[0].faces} == {face.track for face in broken.frames[-1].faces}
    return again


async def test_a_node_a_lane_and_a_host_are_lost_and_no_frame_is(
    fleet: Fleet, clips: list[Path], packets: list[Coded], tmp_path: Path
) -> None:
    async with AsyncExitStack() as exits:
        first = await exits.enter_async_context(Stream(fleet, packets))
        await asyncio.sleep(3)  # by then the lane has told that it has less room than the other
        streams = first, await exits.enter_async_context(Stream(fleet, packets))

        work = await Work(fleet, clips, tmp_path).begun()
        node = await fleet.cluster.leader(FRAMES.name)
        node.kill()
        for stream in streams:
            await stream.has(5)
        assert await work.lanes_that_did_it() <= set(fleet.lanes)
        fleet.cluster.start(node)
        await fleet.cluster.whole([stream.name for stream in STREAMS])

        work = await Work(fleet, clips, tmp_path).begun()
        fleet.kill("a")
        await so(lambda: any(stream.is_broken for stream in streams), "a stream of that lane has broken")
        [broken] = [stream for stream in streams if stream.is_broken]
        [whole] = [stream for stream in streams if stream is not broken]
        again = await gone_on_with(fleet, packets, broken, exits)
        await whole.has(3)
        assert "b" in await work.lanes_that_did_it()
        fleet.begin_again("a")
        fleet.wait_for_lanes(fleet.lanes)

        work = await Work(fleet, clips, tmp_path).begun()
        fleet.net.unplug(fleet.host("b"))
        last = await gone_on_with(fleet, packets, again, exits)
        assert "a" in await work.lanes_that_did_it()
        fleet.net.plug_in(fleet.host("b"))
        fleet.wait_for_lanes(fleet.lanes)
        account = await last.end()
        assert account.received == account.delivered + sum(one.count for one in account.dropped) + account.failed
