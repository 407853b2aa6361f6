"""Sessions whose frames lie on a card, beside the same sessions of frames on the host."""

from __future__ import annotations

import asyncio
import io
from threading import Event
from typing import TYPE_CHECKING, Any

import av
import msgspec
import numpy as np
import pytest

from services.render.cuda.fetching import Fetched
from services.render.cuda.painter import CardPainter
from services.render.nvenc import encoders as encoders_module
from services.render.nvenc.coder import NvencFailed
from services.render.nvenc.encoders import CardEncoders
from services.render.reading import LaneFrames
from services.render.session import RenderSession
from shared.cuda.pictures import CardPicture
from shared.memory.lane_reader import LaneReader
from shared.model.assets import PreparedPicture, asset_key, pack
from shared.model.effects import Sticker
from shared.model.errors import FrameLost
from shared.model.frames import LiveMark
from shared.model.jobs import SegmentDone, SegmentFailed, Want, part_key
from shared.model.live import (
    FromLane,
    LiveCodec,
    LiveFrame,
    LiveInput,
    LiveOutput,
    LiveSettings,
    LookPrepared,
    PrepareLook,
)
from shared.model.looks import Look
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from shared.model.presets import PRESETS
from shared.model.sessions import SessionBegun, SessionRefused, live_out
from shared.testing import MemoryMessage
from shared.transport import wire
from tests.cuda.emulated import WHY_NOT, EmulatedCard
from tests.cuda.lanes import LANES, EmulatedLane
from tests.cuda.likeness import fetched, psnr
from tests.cuda.nvenc_stand_in import faulty, stand_in
from tests.scrapes import value
from tests.unit.services.render.cuda.worker import Worker, trembling, working
from tests.unit.services.render.nvenc.test_falling_back import Failing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.cuda.device import Device

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
HAT = "0" * 32
GREEN = PreparedPicture(width=1, height=1, frames=(bytes((0, 255, 0, 255)),), durations_ms=(0,))
ON_CARD = Look(slim_face=1, enlarge_eyes=0.5)
ON_HOST = Look(slim_face=1, own={"dot": {}})
WORN = Look(slim_face=1, stickers=(Sticker(asset=HAT, anchor="nose", size=0.4),))
ASKED = LiveInput(codec=LiveCodec.H264, width=360, height=380)
FRAMES = 5
NEVER = 2**62


@pytest.fixture(params=LANES[1:])
async def worker(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Worker]:
    async with working(tmp_path, request.param(tmp_path)) as made:
        await made.store.put(asset_key(HAT), pack(GREEN))
        yield made


def facts_of(picture: Picture) -> VideoFacts:
    return VideoFacts(geometry=picture.geometry, colour=picture.colour, time_base=(1, 1000), frame_rate=(25, 1))


async def job(worker: Worker, scene: Any, look: Look, *, on_card: bool, want: Want = Want.PICTURE) -> bytes:
    """The part that comes of a few frames."""
    name = f"{on_card}".lower()
    await worker.begin(name, on_card=on_card, look=look, facts=facts_of(scene.picture), want=want)
    for number in range(FRAMES):
        picture = trembling(scene.picture, number)
        await worker.draw(name, worker.frame(number, picture, scene.faces, on_card=on_card))
    [done] = await worker.no_more(name, FRAMES)
    assert (type(done), done.frames) == (SegmentDone, FRAMES)
    assert worker.slots_in_use() == 0
    return await worker.store.get(part_key(name, 0))


def decoded(part: bytes) -> list[Picture]:
    with av.open(io.BytesIO(part)) as file:
        frames = [frame.to_ndarray(format="yuv420p") for frame in file.decode(video=0)]
    height, width = frames[0].shape[0] * 2 // 3, frames[0].shape[1]
    geometry = Geometry(PixelFormat.I420, width, height)
    return [Picture.over(geometry, Colour(), np.ascontiguousarray(frame).reshape(-1)) for frame in frames]


@pytest.mark.parametrize("size", [(360, 380), (361, 379)])
async def test_what_nothing_is_drawn_on_is_the_same_to_the_bit(
    worker: Worker, studio: Any, size: tuple[int, int]
) -> None:
    scene = studio.scene(*size)
    here, there = [await job(worker, scene, Look(), on_card=on_card) for on_card in (False, True)]
    assert here == there
    bytes_ = FRAMES * scene.picture.geometry.size_bytes
    assert worker.telemetry.fetched == Fetched(frames=FRAMES, frame_bytes=bytes_)


@pytest.mark.parametrize("look", [ON_CARD, WORN], ids=["bent", "worn"])
async def test_what_is_drawn_on_the_card_is_like_what_the_cpu_draws(worker: Worker, studio: Any, look: Look) -> None:
    scene = studio.scene()
    here, there = [decoded(await job(worker, scene, look, on_card=on_card)) for on_card in (False, True)]
    plain = decoded(await job(worker, scene, Look(), on_card=False))
    for before, expected, drawn in zip(plain, here, there, strict=True):
        assert psnr(before, expected, drawn) > 40
    assert worker.telemetry.fetched == Fetched(
        frames=FRAMES, frame_bytes=FRAMES * scene.picture.geometry.size_bytes
    )  # for the encoder


async def test_what_cannot_be_drawn_there_is_brought_to_the_host(worker: Worker, studio: Any) -> None:
    scene = studio.scene()
    here, there = [await job(worker, scene, ON_HOST, on_card=on_card) for on_card in (False, True)]
    assert here == there
    assert (worker.telemetry.fetched.drawn_on_host, worker.telemetry.fetched.frames) == (FRAMES, FRAMES)


async def test_where_only_faces_are_wanted_no_picture_is_fetched(worker: Worker, studio: Any) -> None:
    scene = studio.scene()
    here, there = [await job(worker, scene, ON_CARD, on_card=on_card, want=Want.FACES) for on_card in (False, True)]
    assert here == there
    assert worker.telemetry.fetched == Fetched(crops=FRAMES, crop_bytes=FRAMES * 80 * 80)


async def test_every_frame_is_given_back_once(worker: Worker, studio: Any) -> None:
    scene = studio.scene()
    await worker.begin("s", on_card=True, look=ON_CARD, facts=facts_of(scene.picture))
    frames = [worker.frame(number, scene.picture, scene.faces, on_card=True) for number in range(4)]
    await worker.draw("s", frames[1], frames[0])
    await worker.draw("s", frames[3], frames[2])
    assert worker.reader.released == [frame.captured.reference for frame in frames]
    assert worker.slots_in_use() == 0


async def test_a_session_that_fails_in_the_middle_leaves_its_device_to_the_next(worker: Worker, studio: Any) -> None:
    scene = studio.scene()
    for name in ("a", "b"):
        await worker.begin(name, on_card=True, look=ON_CARD, facts=facts_of(scene.picture))
        whole, lost = (worker.frame(number, scene.picture, scene.faces, on_card=True) for number in range(2))
        reference = lost.captured.reference
        later = msgspec.structs.replace(reference, generation=reference.generation + 1)
        stale = msgspec.structs.replace(lost, captured=msgspec.structs.replace(lost.captured, reference=later))
        await worker.draw(name, whole)
        with pytest.raises(FrameLost):
            await worker.draw(name, stale)
        worker.reader.release(reference)
    assert [type(event) for event in worker.events()] == [SegmentFailed] * 2
    assert (len(worker.devices), worker.slots_in_use()) == (2, 0)
    assert list(worker.settings.render_work.iterdir()) == []


async def test_a_worker_whose_card_has_failed_begins_anew(worker: Worker, studio: Any, monkeypatch: Any) -> None:
    scene, given_up = studio.scene(), list[str]()
    worker.service.give_up = lambda: given_up.append("given up")

    def fail(*_: object) -> None:
        raise RuntimeError("an illegal memory access was encountered")

    for has_failed in (False, True):
        await worker.begin("s", on_card=True, look=ON_CARD, facts=facts_of(scene.picture))
        frame = worker.frame(0, scene.picture, scene.faces, on_card=True)
        with monkeypatch.context() as patch:
            patch.setattr(type(worker.devices[0]), "works", lambda _, broken=has_failed: not broken)
            patch.setattr(CardPainter, "draw", fail)
            with pytest.raises(RuntimeError):
                await worker.draw("s", frame)
        assert given_up == ["given up"] * has_failed
        worker.reader.release(frame.captured.reference)


async def test_sessions_of_both_pools_go_on_beside_each_other(worker: Worker, studio: Any) -> None:
    scene = studio.scene()
    for name, on_card in (("host", False), ("card", True), ("other", True)):
        begun = await worker.begin(name, on_card=on_card, facts=facts_of(scene.picture))
        assert isinstance(begun, SessionBegun)
        assert begun.row == worker.readers[on_card].row
    assert (worker.service.room, len(worker.devices)) == (1, 4)
    for name in ("host", "card", "other"):
        await worker.end(name)
    await worker.begin("again", on_card=True, facts=facts_of(scene.picture))
    assert (worker.service.room, len(worker.devices)) == (3, 4)


async def live(worker: Worker, scene: Any, codec: LiveCodec, *, on_card: bool) -> list[LiveFrame]:
    """A stream whose look changes from one that the card draws to one that it does not, and back."""
    settings = LiveSettings(input=ASKED, look=Look(), output=LiveOutput(codec=codec, quality=1.0))
    name, heard = f"{on_card}-{codec}".lower(), list[LiveFrame]()
    facts = facts_of(scene.picture)
    await worker.begin(name, on_card=on_card, look=Look(), facts=facts, live=settings, job="", context=name)
    for change, look in enumerate((ON_CARD, ON_HOST, ON_CARD), 1):
        request = PrepareLook(session=name, change=change, look=look)
        said = await worker.service.prepare_look(MemoryMessage("", wire.encode(request), {}))
        assert wire.decode(said, wire.decoder(LookPrepared)) == LookPrepared()
    async with worker.bus.listen(live_out(name)) as messages:
        for number in range(8):
            mark = LiveMark(number, 0, NEVER, number // 2)
            picture = trembling(scene.picture, number)
            await worker.draw(name, worker.frame(number, picture, scene.faces, mark, on_card=on_card))
        while len(heard) < 8:
            told = wire.decode((await anext(messages)).body, wire.decoder(FromLane))
            if isinstance(told, LiveFrame):
                heard.append(told)
    await worker.end(name)
    return heard


@pytest.mark.parametrize("codec", [LiveCodec.NV12, LiveCodec.I420, LiveCodec.H264, LiveCodec.VP9])
async def test_a_stream_is_drawn_where_its_look_of_the_moment_can_be(
    worker: Worker, studio: Any, codec: LiveCodec
) -> None:
    scene = studio.scene()
    here, there = [await live(worker, scene, codec, on_card=on_card) for on_card in (False, True)]
    assert [frame.look for frame in there] == [0, 0, 1, 1, 2, 2, 3, 3]
    same = [one.body == other.body for one, other in zip(here, there, strict=True)]
    if codec.is_raw:  # what is bent may differ by a level, and what comes after in a codec with it
        assert same[:2] == same[4:6] == [True, True]
    assert same[:2] == [True, True]
    for one, other in zip(here, there, strict=True):
        if codec is LiveCodec.NV12:
            apart = np.frombuffer(one.body, np.uint8).astype(int) - np.frombuffer(other.body, np.uint8)
            assert np.abs(apart).max() <= 1
    assert (worker.telemetry.fetched.frames, worker.telemetry.fetched.drawn_on_host) == (8, 2)
    assert worker.slots_in_use() == 0


class Kept:
    """A sink whose frames stay where they were drawn."""

    wants_picture, wants_faces, keeps_alpha = True, False, False

    def __init__(self, device: Device) -> None:
        self.device = device
        self.frames: list[CardPicture] = []

    def write(self, picture: Any, frame: Any, faces: Any) -> None:
        copy = CardPicture.blank(self.device, picture.geometry, picture.colour)
        picture.copy_to(self.device, copy)
        self.frames.append(copy)

    def abort(self) -> None:
        raise AssertionError("nobody aborts here")


async def test_where_the_finished_frame_stays_on_the_card_no_pixel_leaves_it(worker: Worker, studio: Any) -> None:
    scene = studio.scene()
    reading = LaneFrames(worker.reader, lambda: worker.lane.device).begin(worker.card.epoch, pytest.fail)
    sink = Kept(worker.lane.device)
    session = RenderSession(PRESETS["natural"], sink, (1, 1000))
    session.easel = reading.easel
    session.feed([worker.frame(0, scene.picture, scene.faces, on_card=True)], reading)
    assert reading.fetched == Fetched()
    assert psnr(scene.picture, scene.drawn(PRESETS["natural"]), fetched(worker.lane.device, sink.frames[0])) > 40


async def test_a_worker_without_a_card_takes_no_session_of_one(worker: Worker, studio: Any) -> None:
    worker.service._frames._open = None
    with pytest.raises(FrameLost, match="card"):
        await worker.begin("s", on_card=True, facts=facts_of(studio.scene().picture))
    assert isinstance(worker.reader, LaneReader)
    assert worker.service.room == 4


def by_card(settings_of: Any = stand_in) -> CardEncoders:
    return CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, settings_of, jobs=True)


def encoded_by(worker: Worker, made_by: str) -> float:
    return value(worker.telemetry.metrics, "visavis_encode_duration_seconds_count", encoder=made_by)


async def test_where_the_card_encodes_jobs_no_picture_comes_to_the_host(tmp_path: Path, studio: Any) -> None:
    scene = studio.scene()
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=by_card()) as worker:
        there = await job(worker, scene, ON_CARD, on_card=True)
        assert (worker.telemetry.fetched, encoded_by(worker, "nvenc")) == (Fetched(), FRAMES)
        # Frames that lie on the host are taken there: parts of one video are joined, wherever they come from.
        here = await job(worker, scene, ON_CARD, on_card=False)
        assert (encoded_by(worker, "nvenc"), encoded_by(worker, "cpu")) == (2 * FRAMES, 0)
    plain = [trembling(scene.picture, number) for number in range(FRAMES)]
    for before, expected, drawn in zip(plain, decoded(here), decoded(there), strict=True):
        assert psnr(before, expected, drawn) > 30
    headers = []
    for part in (here, there):
        with av.open(io.BytesIO(part)) as file:
            headers.append(file.streams.video[0].codec_context.extradata)
    assert headers[0] == headers[1]


async def test_interlaced_video_is_encoded_by_the_cpu_in_every_lane(tmp_path: Path, studio: Any) -> None:
    scene = studio.scene()
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=by_card()) as worker:
        facts = msgspec.structs.replace(facts_of(scene.picture), field_order=1)
        await worker.begin("s", on_card=True, facts=facts)
        await worker.draw("s", worker.frame(0, scene.picture, on_card=True))
        [done] = await worker.no_more("s", 1)
        assert (type(done), encoded_by(worker, "cpu"), encoded_by(worker, "nvenc")) == (SegmentDone, 1, 0)


async def test_where_the_card_has_no_encoder_now_a_segment_is_asked_for_again(tmp_path: Path, studio: Any) -> None:
    broken = by_card(faulty(lambda options: options | {"profile": "nonsense"}))
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=broken) as worker:
        refused = await worker.begin("s", on_card=True, facts=facts_of(studio.scene().picture))
        assert (type(refused), refused.problem, refused.retry_after_seconds > 0) == (SessionRefused, None, True)
        assert refused.detail == "The lane's card has no encoder for a job's video now: Invalid argument."
        assert worker.service.room == 4


@pytest.mark.parametrize("on_card", [True, False])
async def test_where_the_card_cannot_be_opened_who_asks_is_told(tmp_path: Path, studio: Any, on_card: bool) -> None:
    def full() -> Device:
        raise MemoryError("out of memory")

    async with working(tmp_path, EmulatedLane(tmp_path), encoders=by_card()) as worker:
        worker.service._frames._open = full
        refused = await worker.begin("s", on_card=on_card, facts=facts_of(studio.scene().picture))
        assert (type(refused), refused.problem, refused.retry_after_seconds > 0) == (SessionRefused, None, True)
        assert refused.detail == "The card cannot be opened for a session now: out of memory"
        assert worker.service.room == 4


@pytest.mark.parametrize("on_card", [True, False])
async def test_a_worker_whose_card_has_failed_begins_anew_though_its_encoders_are_asked_first(
    tmp_path: Path, studio: Any, monkeypatch: pytest.MonkeyPatch, on_card: bool
) -> None:
    broken, given_up = by_card(faulty(lambda options: options | {"profile": "nonsense"})), list[bool]()
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=broken) as worker:
        worker.service.give_up = lambda: given_up.append(True)
        for has_failed in (False, True):
            monkeypatch.setattr(EmulatedCard, "works", lambda _, broken=has_failed: not broken)
            await worker.begin("s", on_card=on_card, facts=facts_of(studio.scene().picture))
            assert given_up == [True] * has_failed
        assert len(worker.devices) == 2


async def test_devices_are_given_back_when_nothing_uses_them_though_the_beginning_is_cancelled(
    tmp_path: Path, studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, idle = Event(), Event(), list[int]()

    def slowly(*_: object) -> None:
        began.set()
        go_on.wait()
        idle.append(len(worker.service._frames._idle))

    monkeypatch.setattr("services.render.sink_making._opened", slowly)
    async with working(tmp_path, EmulatedLane(tmp_path)) as worker:
        beginning = asyncio.create_task(worker.begin("s", on_card=True, facts=facts_of(studio.scene().picture)))
        await asyncio.to_thread(began.wait)
        beginning.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        assert (idle, len(worker.service._frames._idle), worker.service.room) == ([0], 1, 4)


async def test_a_segment_whose_encoder_fails_is_tried_again(
    tmp_path: Path, studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoders_module, "NvencCoder", Failing)
    scene = studio.scene()

    async def draw(worker: Worker) -> None:
        for number in range(12):
            await worker.draw("s", worker.frame(number, trembling(scene.picture, number), on_card=True))

    async with working(tmp_path, EmulatedLane(tmp_path), encoders=by_card()) as worker:
        await worker.begin("s", on_card=True, facts=facts_of(scene.picture))
        with pytest.raises(NvencFailed, match="the driver is gone"):
            await draw(worker)
        assert SegmentFailed in {type(event) for event in worker.events()}
        assert list(worker.settings.render_work.iterdir()) == []
        assert worker.service.room == 4
