"""Live streams through the real processes: gRPC in both directions, and what is left when they break."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from services.gateway.live.settings import context_of
from shared.runtime.pasts import kept_where
from shared.runtime.settings import ServiceSettings
from shared.transport.nats_bus import NatsBus
from tests.redis_server import PASSWORD, RedisServer
from tests.scrapes import slots_in_use
from tests.system.live_clips import STEP, coded, decoded
from tests.system.watching import until
from visavis.client import ProblemError
from visavis.live import LiveStream
from visavis.stack import SERVICES, Stack, StackOptions
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from shared.model.past import SessionPast
    from tests.system.live_clips import Coded
    from visavis.client import Client

PATIENCE_SECONDS = 60
BUDGET_MS = 20_000
FEW = 5
"""No test is about speed: a busy machine may take long for a frame."""
H264 = streams_pb2.CODEC_H264
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def packets(portrait: bytes) -> list[Coded]:
    return coded(portrait, 90)


def wanted(look: Any = "none", size: tuple[int, int] = (640, 360), **more: Any) -> streams_pb2.StreamSettings:
    asked = streams_pb2.StreamInput(codec=more.pop("codec", H264), width=size[0], height=size[1], rate=10)
    settings = {"input": asked, "look_name": look, "max_delay_ms": BUDGET_MS, **more}
    return streams_pb2.StreamSettings(**settings)


class Told:
    """What came of a stream."""

    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.others: list[Any] = []
        self.account: Any = None

    def of(self, kind: str) -> list[Any]:
        return [getattr(one, kind) for one in self.others if one.HasField(kind)]

    async def take(self, stream: LiveStream) -> None:
        async for message in stream:
            if message.HasField("frame"):
                self.frames.append(message.frame)
            else:
                self.others.append(message)
        self.account = stream.account

    async def until(self, frames: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.frames) < frames:  # noqa: ASYNC110  -- the stream's task appends them
                await asyncio.sleep(0.005)


async def one_by_one(stream: LiveStream, told: Told, packets: Sequence[Coded]) -> None:
    """Send each packet when the frame of the one before has come back."""
    for packet in packets:
        before = len(told.frames)
        await stream.send(packet.pts, packet.data, key=packet.key)
        await told.until(before + 1)


async def through(stack: Stack, packets: Sequence[Coded], settings: streams_pb2.StreamSettings) -> Told:
    """All packets, one by one, to the account."""
    told = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, settings) as stream:
        taking = asyncio.create_task(told.take(stream))
        await one_by_one(stream, told, packets)
        await stream.end()
        await taking
    return told


async def test_each_packet_comes_back_drawn_under_its_pts(stack: Stack, packets: list[Coded]) -> None:
    told = await through(stack, packets[:20], wanted("glamour", want_faces=True, want_timings=True))
    assert [frame.pts for frame in told.frames] == [packet.pts for packet in packets[:20]]
    assert (told.account.received, told.account.delivered, list(told.account.dropped)) == (20, 20, [])
    assert all([face.track for face in frame.faces] == [1] for frame in told.frames)
    assert [hop.name for hop in told.frames[5].hops] == ["ingest", "detect", "render", "gateway"]
    before, after = decoded([one.data for one in packets[:20]])[10], decoded([one.data for one in told.frames])[10]
    box = told.frames[10].faces[0].box
    face = np.s_[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    changed = np.abs(before.astype(int) - after).mean(axis=-1)
    assert changed[face].mean() > 3 * np.delete(changed, np.s_[: int(box.x1) + 40], 1).mean()


@pytest.mark.parametrize("encoder", ["libx265", "mjpeg"])
async def test_other_codecs_come_and_go(stack: Stack, portrait: bytes, encoder: str) -> None:
    names = {"libx265": streams_pb2.CODEC_HEVC, "mjpeg": streams_pb2.CODEC_MJPEG}
    output = streams_pb2.StreamOutput(codec=names[encoder])
    clip = coded(portrait, 4, encoder=encoder)
    told = await through(stack, clip, wanted(codec=names[encoder], output=output))
    shown = decoded([frame.data for frame in told.frames], {"libx265": "hevc", "mjpeg": "mjpeg"}[encoder])
    assert [image.shape for image in shown] == [(360, 640, 3)] * 4
    given = decoded([one.data for one in clip], {"libx265": "hevc", "mjpeg": "mjpeg"}[encoder])
    assert np.abs(shown[3].astype(int) - given[3]).mean() < 8


async def test_a_look_changes_at_a_named_pts_and_a_wrong_one_ends_nothing(stack: Stack, packets: list[Coded]) -> None:
    told = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, wanted()) as stream:
        taking = asyncio.create_task(told.take(stream))
        await one_by_one(stream, told, packets[:5])
        await stream.change_look({"brightness": 1.0})
        await stream.change_look({"brigthness": 1.0})
        for packet in packets[5:40]:
            await one_by_one(stream, told, [packet])
            if told.of("look_changed") and told.of("look_refused"):
                break
        await stream.end()
        await taking
    [changed], [refused] = told.of("look_changed"), told.of("look_refused")
    assert (changed.change, refused.change, refused.code) == (1, 2, "invalid-look")
    light = [image.mean() for image in decoded([frame.data for frame in told.frames])]
    at = [frame.pts for frame in told.frames].index(changed.from_pts)
    assert at >= 5
    assert min(light[at:]) > max(light[:at]) + 10


async def test_jobs_beside_a_stream_take_none_of_its_frames_and_come_to_their_end(
    stack: Stack, client: Client, clip: Path, packets: list[Coded]
) -> None:
    jobs = [client.submit_job(clip, look="glamour", want="picture")["id"] for _ in range(4)]
    told = await through(stack, packets[:40], wanted("glamour"))
    assert (told.account.received, told.account.delivered, list(told.account.dropped)) == (40, 40, [])
    for job in jobs:
        found = await asyncio.to_thread(until, client, job, lambda found: found["state"] in {"done", "failed"})
        assert (found["state"], found["frames"]) == ("done", 48)


async def test_a_key_frame_comes_when_it_is_asked_for(stack: Stack, packets: list[Coded]) -> None:
    told = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, wanted()) as stream:
        taking = asyncio.create_task(told.take(stream))
        await one_by_one(stream, told, packets[:3])
        await stream.request_key_frame()
        await one_by_one(stream, told, packets[3:6])
        await stream.end()
        await taking
    assert [frame.key for frame in told.frames][:3] == [True, False, False]
    assert any(frame.key for frame in told.frames[3:])


async def test_what_comes_while_the_client_pauses_is_counted_and_not_drawn(stack: Stack, packets: list[Coded]) -> None:
    told = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, wanted()) as stream:
        taking = asyncio.create_task(told.take(stream))
        await one_by_one(stream, told, packets[:2])
        await stream.pause()
        for packet in packets[2:40]:
            await stream.send(packet.pts, packet.data, key=packet.key)
            await asyncio.sleep(0.01)  # all of them at once would be there before the lane decodes the first
        await stream.unpause()
        await stream.end()
        await taking
    assert told.account.received == 40 == told.account.delivered + sum(one.count for one in told.account.dropped)
    assert {one.reason for one in told.account.dropped} <= {"paused", "overload"}
    assert any(one.reason == "paused" for one in told.account.dropped)


async def test_packets_that_cannot_be_decoded_have_failed(stack: Stack, packets: list[Coded]) -> None:
    told = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, wanted()) as stream:
        taking = asyncio.create_task(told.take(stream))
        await one_by_one(stream, told, packets[:2])
        await stream.send(2 * STEP, b"no frame at all")
        await stream.end()
        await taking
    account = told.account
    assert (account.received, account.delivered, account.failed) == (3, 2, 1)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (wanted(size=(8192, 8192)), "too-large"),
        (wanted('{"smooth": 7}'), "invalid-look"),
        (wanted(detector="nobody"), "unknown-model"),
        (streams_pb2.StreamSettings(), "invalid-parameter"),
    ],
)
async def test_what_cannot_be_served_is_refused_with_a_word(
    stack: Stack, settings: streams_pb2.StreamSettings, code: str
) -> None:
    with pytest.raises(ProblemError) as caught:
        async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, settings) as stream:
            await Told().take(stream)
    assert caught.value.code == code


async def test_a_broken_stream_goes_on_with_the_same_face(stack: Stack, packets: list[Coded]) -> None:
    first, second = Told(), Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, wanted(want_faces=True)) as stream:
        taking = asyncio.create_task(first.take(stream))
        await one_by_one(stream, first, packets[:10])
        token = stream.opened.resume_token
        await kept(stack, token)
        taking.cancel()
    await asyncio.sleep(0.5)
    again = wanted(want_faces=True, resume_token=token)
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, again) as stream:
        taking = asyncio.create_task(second.take(stream))
        await one_by_one(stream, second, packets[30:35])
        await stream.end()
        await taking
    assert [one.resumed for one in second.of("began")] == [True]
    assert {face.track for frame in [*first.frames, *second.frames] for face in frame.faces} == {1}


async def test_a_hundred_streams_that_are_cancelled_leave_nothing(stack: Stack, packets: list[Coded]) -> None:
    # Several at a time first: a worker opens what it keeps, such as a second view of the pool, when it is used. What is
    # in use only later, or a spare process that is being made just now, is no leak: that would be one a stream.
    await asyncio.gather(*[cancelled(stack, packets, 1.0) for _ in range(4)])
    await settled(stack)
    before, chance = held(stack), random.Random(7)  # noqa: S311  -- no secret
    for _ in range(100):
        await cancelled(stack, packets, chance.uniform(0, 0.15))
    await settled(stack)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(count > before[name] + FEW for name, count in held(stack).items()):  # noqa: ASYNC110  -- of other processes
            await asyncio.sleep(0.2)


async def cancelled(stack: Stack, packets: Sequence[Coded], seconds: float) -> None:
    """A stream that is cancelled after so long, wherever it is then."""

    async def run() -> None:
        async with LiveStream(stack.grpc, wanted()) as stream:
            for packet in packets:
                await stream.send(packet.pts, packet.data, key=packet.key)
                await asyncio.sleep(0.01)

    running = asyncio.create_task(run())
    await asyncio.sleep(seconds)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def settled(stack: Stack) -> None:
    """Until no session holds a slot."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while slots_in_use(stack):  # noqa: ASYNC110  -- in another process
            await asyncio.sleep(0.2)


def held(stack: Stack) -> dict[str, int]:
    """Open files and children of each service."""
    found = {}
    for name in SERVICES:
        process = psutil.Process(stack.pid(name))
        found[f"{name} files"] = process.num_fds()
        found[f"{name} children"] = len(process.children(recursive=True))
    return found


@pytest.fixture
def narrow(models: Path, tmp_path: Path) -> Iterator[Stack]:
    """A stack whose lane has next to no room."""
    environment = {"VISAVIS_LANE_CORES": "0.01"}
    with Stack(StackOptions(var=tmp_path, models=models, environment=environment)) as stack:
        yield stack


async def test_without_room_a_stream_is_refused_and_the_running_one_goes_on(
    narrow: Stack, packets: list[Coded]
) -> None:
    told = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(narrow.grpc, wanted()) as stream:
        taking = asyncio.create_task(told.take(stream))
        await one_by_one(stream, told, packets[:3])
        with pytest.raises(ProblemError) as caught:
            await through(narrow, packets[:1], wanted())
        assert (caught.value.code, caught.value.status) == ("no-room", 503)
        await one_by_one(stream, told, packets[3:6])
        await stream.end()
        await taking
    assert told.account.delivered == 6
    assert (await through(narrow, packets[:2], wanted())).account.delivered == 2


@pytest.fixture(scope="module")
def mortal(request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose processes are killed. The past of its streams is kept where the parameter says."""
    var = tmp_path_factory.mktemp("var")
    with ExitStack() as stack:
        environment = {}
        if request.param == "redis":
            environment["VISAVIS_CONTEXT"] = stack.enter_context(RedisServer(var / "redis")).url
        yield stack.enter_context(Stack(StackOptions(var=var, models=models, environment=environment)))


@pytest.mark.parametrize(
    ("mortal", "victim"),
    [("nats", "render"), ("nats", "ingest"), ("nats", "detect"), ("redis", "render"), ("redis", "ingest")],
    indirect=["mortal"],
)
async def test_a_stream_survives_a_sudden_death_by_its_token(mortal: Stack, packets: list[Coded], victim: str) -> None:
    told = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(mortal.grpc, wanted(want_faces=True)) as stream:
        taking = asyncio.create_task(told.take(stream))
        await one_by_one(stream, told, packets[:5])
        await asyncio.sleep(1.2)  # the past of a session is kept once a second
        await one_by_one(stream, told, packets[5:10])
        token = stream.opened.resume_token
        os.kill(mortal.pid(victim), signal.SIGKILL)
        psutil.Process(mortal.pid(victim)).wait()
        assert mortal.watch() == [victim]
        mortal.wait_for_restart(victim)
        with suppress(ProblemError):  # which of the two ends hears of it first is chance
            for packet in packets[10:]:
                await stream.send(packet.pts, packet.data, key=packet.key)
                await asyncio.sleep(0.1)
            await stream.end()
        [end] = await asyncio.gather(taking, return_exceptions=True)
    if victim == "detect":
        assert end is None
        assert told.account.received == len(packets)
    else:
        assert isinstance(end, ProblemError)
        assert end.code in {"unavailable", "unreachable"}
    await resumed(mortal, packets, token)


async def kept(stack: Stack, token: str, true: Callable[[SessionPast], bool] = lambda _: True) -> None:
    """Until the past of a stream lies in NATS: whoever draws does not wait for it."""
    bus = await NatsBus.connect(stack.nats_url, "test")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), kept_where(ServiceSettings(), bus) as pasts:
            while (past := await pasts.find(context_of(token))) is None or not true(past):  # noqa: ASYNC110  -- of others
                await asyncio.sleep(0.05)
    finally:
        await bus.close()


async def resumed(stack: Stack, packets: list[Coded], token: str) -> None:
    """The stream goes on as soon as the lane is there again, and says whether it knows its past."""
    again = await through_as_soon_as_it_can_be(stack, packets[60:63], wanted(want_faces=True, resume_token=token))
    assert [one.resumed for one in again.of("began")] == [True]
    assert {face.track for frame in again.frames for face in frame.faces} == {1}


async def through_as_soon_as_it_can_be(
    stack: Stack, packets: Sequence[Coded], settings: streams_pb2.StreamSettings
) -> Told:
    """All packets, to the account; begun again while no lane takes the stream."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await through(stack, packets, settings)
            except ProblemError as problem:
                if problem.code not in {"unavailable", "unreachable", "no-room"}:
                    raise
            await asyncio.sleep(0.3)


@pytest.fixture
def in_redis(models: Path, tmp_path: Path) -> Iterator[tuple[Stack, RedisServer]]:
    """A stack that keeps the past of its streams in Redis."""
    with RedisServer(tmp_path / "redis") as redis:
        environment = {"VISAVIS_CONTEXT": redis.url}
        with Stack(StackOptions(var=tmp_path / "var", models=models, environment=environment)) as stack:
            yield stack, redis


async def test_a_stream_outlives_the_store_of_its_past(
    in_redis: tuple[Stack, RedisServer], packets: list[Coded]
) -> None:
    stack, redis = in_redis
    halted, token = await through_what_happens(stack, packets[:10], redis.halt)
    again = wanted(want_faces=True, resume_token=token)
    unknown = await through_as_soon_as_it_can_be(stack, packets[30:35], again)  # half of the time to open it is redis'
    redis.go_on()
    flushed, known = await flushed_and_gone_on_with(stack, packets, redis)
    assert [one.of("began")[0].resumed for one in (unknown, known)] == [False, True]
    assert [one.account.delivered for one in (halted, unknown, flushed, known)] == [10, 5, 10, 5]
    assert {face.track for frame in [*flushed.frames, *known.frames] for face in frame.faces} == {1}
    logs = "".join(path.read_text() for path in stack.logs.iterdir())
    assert "session context is lost" in logs
    assert PASSWORD not in logs
    assert PASSWORD.replace(" ", "%20") not in logs


async def flushed_and_gone_on_with(stack: Stack, packets: Sequence[Coded], redis: RedisServer) -> tuple[Told, Told]:
    """A stream whose past is forgotten halfway, and the one that goes on from what was kept since.

    Again where the store had not its second for that: services do not wait for it for longer.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        flushed, token = await through_what_happens(stack, packets[:10], lambda: redis.tell("FLUSHALL"))
        known = await through(stack, packets[30:35], wanted(want_faces=True, resume_token=token))
        if known.of("began")[0].resumed or time.monotonic() > end:
            return flushed, known


async def through_what_happens(
    stack: Stack, packets: Sequence[Coded], happen: Callable[[], object]
) -> tuple[Told, str]:
    """All packets, with something happening halfway; and the token of the stream."""
    told = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, wanted(want_faces=True)) as stream:
        taking = asyncio.create_task(told.take(stream))
        await one_by_one(stream, told, packets[: len(packets) // 2])
        happen()
        await asyncio.sleep(1.2)  # the past of a session is kept once a second
        await one_by_one(stream, told, packets[len(packets) // 2 :])
        await stream.end()
        await taking
    return told, stream.opened.resume_token


async def test_who_goes_on_and_names_no_look_has_the_one_in_force(stack: Stack, packets: list[Coded]) -> None:
    first = Told()
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, wanted()) as stream:
        taking = asyncio.create_task(first.take(stream))
        await one_by_one(stream, first, packets[:3])
        await stream.change_look({"brightness": 1.0})
        for packet in packets[3:40]:
            await one_by_one(stream, first, [packet])
            if first.of("look_changed"):
                break
        token = stream.opened.resume_token
        await kept(stack, token, lambda past: past.look.brightness == 1.0)
        taking.cancel()
    second = await through(stack, packets[60:65], wanted("", resume_token=token))
    assert second.of("began")[0].resumed
    dark, light = (
        np.mean([image.mean() for image in decoded([frame.data for frame in frames])])
        for frames in (first.frames[:3], second.frames)
    )
    assert light > dark + 10
