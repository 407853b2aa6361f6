"""The whole service with its lane on a card, beside the whole service with its lane on the host."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shared.model.errors import Misconfigured
from tests.cuda.devices import MISSING
from tests.gpu.lanes import CLEAR, finished, frames_lie, frames_of, psnr, write_clip, written
from tests.models import prepared_models
from tests.system.live_clips import coded, decoded
from visavis.client import Client
from visavis.live import LiveStream
from visavis.sample import portrait_jpeg
from visavis.stack import Stack, StackOptions
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(300)]
FRAMES, LIVE_FRAMES = 90, 60
NATURAL = "natural"


@pytest.fixture(scope="module")
def models() -> Path:
    return prepared_models()


@pytest.fixture(scope="module")
def portrait() -> bytes:
    try:
        return portrait_jpeg()
    except Misconfigured as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def on_card(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {**CLEAR, "VISAVIS_CARD": "0", "VISAVIS_PROVIDERS": "cuda,cpu"}
    with Stack(StackOptions(var=tmp_path_factory.mktemp("card"), models=models, environment=environment)) as stack:
        yield stack


@pytest.fixture(scope="module")
def on_host(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {**CLEAR, "VISAVIS_CARD": "none"}
    with Stack(StackOptions(var=tmp_path_factory.mktemp("host"), models=models, environment=environment)) as stack:
        yield stack


@pytest.fixture(scope="module")
def clip(portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "moving.mp4"
    write_clip(path, portrait, FRAMES)
    return path


def test_the_services_say_that_frames_lie_on_the_card(on_card: Stack) -> None:
    assert frames_lie(on_card) == {"on": "card", "reason": ""}


@pytest.mark.parametrize("look", ["none", NATURAL, "privacy"])
def test_a_job_comes_out_as_the_lane_of_the_cpu_makes_it(
    on_card: Stack, on_host: Stack, clip: Path, tmp_path: Path, look: str
) -> None:
    assert frames_lie(on_card)["on"] == "card"
    before = len(written(on_card, "render", "frames on a card were drawn"))
    results = []
    for name, stack in (("card", on_card), ("host", on_host)):
        with Client(stack.rest) as client:
            job = finished(client, clip, look)
            assert job["frames"] == FRAMES
            client.download(job["id"], tmp_path / name)
        results.append(list(frames_of(tmp_path / name)))
    one, other = results
    assert [pts for pts, _ in one] == [pts for pts, _ in other]
    assert min(psnr(mine, its) for (_, mine), (_, its) in zip(one, other, strict=True)) > 40
    sessions = written(on_card, "render", "frames on a card were drawn")[before:]
    drawn = sum(session["visavis.frames"] for session in sessions)
    assert drawn >= FRAMES, written(on_card, "ingest", "decoded by the CPU")
    assert not any(session["visavis.drawn_on_host"] for session in sessions)


def test_faces_are_those_that_the_lane_of_the_cpu_finds(
    on_card: Stack, on_host: Stack, clip: Path, tmp_path: Path
) -> None:
    told = []
    for name, stack in (("card", on_card), ("host", on_host)):
        with Client(stack.rest) as client:
            client.download(finished(client, clip, "none", "faces")["id"], tmp_path / name)
        told.append([json.loads(line) for line in (tmp_path / name).read_text().splitlines()])
    for mine, its in zip(*told, strict=True):
        assert (mine["frame"], len(mine["faces"])) == (its["frame"], len(its["faces"]))
        for face, same in zip(mine["faces"], its["faces"], strict=True):
            x0, _, x1, _ = same["box"]
            apart = np.array(face["landmarks"])[:, :2] - np.array(same["landmarks"])[:, :2]
            assert float(np.sqrt((apart**2).sum(axis=1)).mean()) < 0.01 * (x1 - x0)


async def test_a_live_stream_comes_back_drawn(on_card: Stack, portrait: bytes) -> None:
    packets = coded(portrait, LIVE_FRAMES)
    asked = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=640, height=360, rate=30)
    settings = streams_pb2.StreamSettings(input=asked, look_name=NATURAL, max_delay_ms=20_000, want_faces=True)
    async with asyncio.timeout(120), LiveStream(on_card.grpc, settings) as stream:

        async def take() -> list[Any]:
            return [message.frame async for message in stream if message.HasField("frame")]

        taking = asyncio.create_task(take())
        for packet in packets:
            await stream.send(packet.pts, packet.data, key=packet.key)
            await asyncio.sleep(1 / 30)
        await stream.end()
        frames = await taking
        account = stream.account
    assert account is not None
    assert (account.received, account.delivered) == (LIVE_FRAMES, len(frames))
    assert len(frames) > LIVE_FRAMES // 2
    assert all(len(frame.faces) == 1 for frame in frames[5:])
    shown = decoded([frame.data for frame in frames])
    assert len(shown) == len(frames)
