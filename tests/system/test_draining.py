"""A lane is told to end: what it has begun it ends or hands back, its stream goes on elsewhere, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from shared.memory.segment import segment_path
from shared.model.jobs import record_key
from tests.system.barcodes import RATE, read_clip, write_clip
from tests.system.live_clips import coded
from tests.system.watching import until, wait_until
from visavis.client import Client
from visavis.live import LiveStream
from visavis.stack import LANE_SERVICES, Stack, StackOptions
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.system.live_clips import Coded

SECONDS = 6
PATIENCE_SECONDS = 60
GRACE = {"VISAVIS_DRAIN_SECONDS": "90"}
WITHOUT_GRACE = {"VISAVIS_DRAIN_SECONDS": "0", "VISAVIS_LANE_CORES": "0.2"}
"""With less room than the other lane: streams go to that one."""
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def two_lanes(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The first has a long grace, the second has none."""
    var = tmp_path_factory.mktemp("var")
    cut = {"VISAVIS_SEGMENT_SECONDS": "2"}
    with Stack(StackOptions(var=var, models=models, environment=cut, lanes=(GRACE, WITHOUT_GRACE))) as stack:
        yield stack


@pytest.fixture(scope="module")
def source(portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "9.mp4"
    write_clip(path, portrait, 9, SECONDS * RATE)
    return path


def entry(stack: Stack, job: str) -> dict[str, Any]:
    """The ledger's."""
    found: dict[str, Any] = json.loads((stack.logs.parent / "objects" / record_key(job)).read_text())
    return found


def is_busy(stack: Stack, jobs: Sequence[str], lane: str) -> bool:
    """Whether a lane has begun a segment of them that is not done."""
    parts = [part for job in jobs for part in entry(stack, job).get("parts", [])]
    return any(part["owner"].startswith(f"{lane}/") and not part.get("done") for part in parts)


def told_to_end(stack: Stack, suffix: str) -> list[psutil.Process]:
    """The processes of a lane, all told to end at once."""
    processes = [psutil.Process(stack.pid(f"{name}{suffix}")) for name in LANE_SERVICES]
    for process in processes:
        os.kill(process.pid, signal.SIGTERM)
    return processes


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def events(stack: Stack, service: str) -> list[str]:
    lines = (stack.logs / f"{service}.log").read_text().splitlines()
    return [json.loads(line).get("message", "") for line in lines if line.startswith("{")]


def done_right(stack: Stack, client: Client, jobs: Sequence[str], folder: Path) -> None:
    """Every frame is there, once, and no try of a segment has failed."""
    for job in jobs:
        found = until(client, job, lambda found: found["state"] in {"done", "failed"})
        assert found["state"] == "done", found["problem"]
        client.download(job, folder / job)
        assert read_clip(folder / job) == [(9, number) for number in range(SECONDS * RATE)]
    assert not {"will be retried", "could not be handed back"} & {*events(stack, "ingest"), *events(stack, "ingest-1")}


def submitted(client: Client, source: Path, count: int) -> list[str]:
    return [client.submit_job(source, look="default", want="picture")["id"] for _ in range(count)]


def test_a_lane_without_grace_hands_its_segments_back_at_once(two_lanes: Stack, source: Path, tmp_path: Path) -> None:
    stack = two_lanes
    with Client(stack.rest) as client:
        jobs = submitted(client, source, 2)
        wait_until(lambda: is_busy(stack, jobs, stack.lanes[1]), "the lane has a segment")
        for process in told_to_end(stack, "-1"):
            wait_until(lambda process=process: is_gone(process), "the lane is gone")  # type: ignore[misc]  # of the loop
        assert "handed back" in events(stack, "ingest-1")
        done_right(stack, client, jobs, tmp_path)
    assert stack.watch() == [f"{name}-1" for name in LANE_SERVICES]
    for name in LANE_SERVICES:
        stack.wait_for_restart(f"{name}-1")
    lanes = lambda: httpx.get(f"{stack.rest}/healthz", trust_env=False).json()["lanes"]  # noqa: E731
    wait_until(lambda: stack.lanes[1] in lanes(), "the gateway knows the lane again")


async def test_a_lane_with_grace_ends_its_segments_and_its_stream_goes_on_elsewhere(
    two_lanes: Stack, source: Path, portrait: bytes, tmp_path: Path
) -> None:
    stack, packets = two_lanes, coded(portrait, 90)
    with Client(stack.rest) as client:
        first = Watched()
        async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, wanted()) as stream:
            taking = asyncio.create_task(first.take(stream))
            await first.exchange(stream, packets[:10])
            jobs = await asyncio.to_thread(submitted, client, source, 2)
            await asyncio.to_thread(wait_until, lambda: is_busy(stack, jobs, stack.lane), "the lane has a segment")
            processes = told_to_end(stack, "")
            await first.until(lambda: "draining" in first.notices)
            await first.exchange(stream, packets[10:15])
            await stream.end()
            await taking
        second = Watched()
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            LiveStream(stack.grpc, wanted(stream.opened.resume_token)) as again,
        ):
            taking = asyncio.create_task(second.take(again))
            await second.exchange(again, packets[30:40])
            await again.end()
            await taking
        await asyncio.to_thread(done_right, stack, client, jobs, tmp_path)
        assert {entry(stack, job)["attempt"] for job in jobs} == {1}
    for process in processes:
        await asyncio.to_thread(wait_until, lambda process=process: is_gone(process), "the lane is gone")  # type: ignore[misc]  # of the loop
    assert (first.resumed, second.resumed, first.tracks | second.tracks) == ([False], [True], {1})
    assert [first.counted(stream), second.counted(again)] == [(15, 15), (10, 10)]
    for name in LANE_SERVICES:
        assert events(stack, name)[-1] == "drained"
    assert not segment_path(stack.lane).exists()


def wanted(token: str = "") -> streams_pb2.StreamSettings:
    asked = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=640, height=360, rate=10)
    return streams_pb2.StreamSettings(
        input=asked, look_name="none", max_delay_ms=20_000, want_faces=True, resume_token=token
    )


class Watched:
    """What came of a stream."""

    def __init__(self) -> None:
        self.frames = 0
        self.tracks: set[int] = set()
        self.notices: list[str] = []
        self.resumed: list[bool] = []

    async def take(self, stream: LiveStream) -> None:
        async for message in stream:
            if message.HasField("frame"):
                self.frames += 1
                self.tracks |= {face.track for face in message.frame.faces}
            elif message.HasField("notice"):
                self.notices.append(message.notice.kind)
            elif message.HasField("began"):
                self.resumed.append(message.began.resumed)

    async def until(self, true: Any) -> None:
        while not true():  # noqa: ASYNC110  -- the task that takes changes it
            await asyncio.sleep(0.01)

    async def exchange(self, stream: LiveStream, packets: Sequence[Coded]) -> None:
        """Each packet when the frame of the one before has come back."""
        for packet in packets:
            before = self.frames
            await stream.send(packet.pts, packet.data, key=packet.key)
            await self.until(lambda before=before: self.frames > before)

    @staticmethod
    def counted(stream: LiveStream) -> tuple[int, int]:
        """What the account says was received, and delivered."""
        assert stream.account is not None
        return stream.account.received, stream.account.delivered
