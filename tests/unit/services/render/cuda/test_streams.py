"""Live streams whose pictures are encoded where they lie: no pixel comes to the host, and a failure ends no stream."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import av
import msgspec
import numpy as np
import pytest
from structlog.testing import CapturingLogger

from services.render import measuring
from services.render.cuda.surface_copies import SurfaceCopies
from services.render.encoding.live import LiveEncoder, cpu_coder
from services.render.encoding.packets import EncodedPacket, PictureTrack
from services.render.live_sink import LiveSink
from services.render.nvenc import encoders as encoders_module
from services.render.nvenc.coder import NvencCoder
from services.render.nvenc.encoders import CardEncoders
from services.render.nvenc.falling_back import FallingBack
from services.render.nvenc.settings import QUANTISERS
from services.render.outputs.outlets import Outlets
from services.render.surface import Surface
from shared.model.frames import CapturedFrame, FrameReference, LiveMark
from shared.model.live import (
    FromLane,
    LiveCodec,
    LiveFrame,
    LiveInput,
    LiveOutput,
    LiveSettings,
    LookPrepared,
    PrepareLook,
    RecordOutput,
)
from shared.model.looks import Look
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from shared.model.sessions import SessionBegun, live_out
from shared.testing import MemoryMessage
from shared.transport import wire
from tests.cuda.emulated import WHY_NOT, EmulatedCard
from tests.cuda.lanes import EmulatedLane
from tests.cuda.likeness import uploaded
from tests.cuda.nvenc_stand_in import faulty, stand_in
from tests.cuda.pyav_decoder import samples
from tests.scrapes import value
from tests.unit.services.render.cuda.worker import trembling, working
from tests.unit.services.render.live import decoded, facts, moving, psnr
from tests.unit.services.render.nvenc.test_coder import there
from tests.unit.services.render.nvenc.test_falling_back import Failing
from tests.unit.services.render.outputs.test_outlet import Collector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.render.encoding.codec_settings import CodecSettings
    from tests.unit.services.render.cuda.worker import Worker

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
ON_CARD, ON_HOST = Look(slim_face=1, enlarge_eyes=0.5), Look(slim_face=1, own={"dot": {}})
ASKED = LiveInput(codec=LiveCodec.H264, width=360, height=380)
NEVER = 2**62
FRAMES = 8


def encoders(settings_of: Callable[[LiveOutput], CodecSettings] = stand_in) -> CardEncoders:
    return CardEncoders(frozenset(QUANTISERS), EmulatedCard, settings_of)


async def streamed(worker: Worker, scene: Any, codec: LiveCodec, *, on_card: bool) -> list[LiveFrame]:
    """A stream whose look is drawn on the card, then on the host, then there again."""
    name, heard, begun_with = f"{codec}-{on_card}".lower(), list[LiveFrame](), b""
    settings = LiveSettings(input=ASKED, look=Look(), output=LiveOutput(codec=codec, quality=1.0))
    geometry, colour = scene.picture.geometry, scene.picture.colour
    told = VideoFacts(geometry=geometry, colour=colour, time_base=(1, 1000), frame_rate=(25, 1))
    begun = await worker.begin(name, on_card=on_card, look=Look(), facts=told, live=settings, job="", context=name)
    assert isinstance(begun, SessionBegun)
    for change, look in enumerate((ON_CARD, ON_HOST, ON_CARD), 1):
        request = PrepareLook(session=name, change=change, look=look)
        said = await worker.service.prepare_look(MemoryMessage("", wire.encode(request), {}))
        assert wire.decode(said, wire.decoder(LookPrepared)) == LookPrepared()
    async with worker.bus.listen(live_out(name)) as messages:
        for number in range(FRAMES):
            mark = LiveMark(number, 0, NEVER, number // 2)
            picture = trembling(scene.picture, number)
            await worker.draw(name, worker.frame(number, picture, scene.faces, mark, on_card=on_card))
        while len(heard) < FRAMES:
            message = wire.decode((await anext(messages)).body, wire.decoder(FromLane))
            if isinstance(message, LiveFrame):
                begun_with += message.body
                if not message.more:
                    heard.append(msgspec.structs.replace(message, body=begun_with))
                    begun_with = b""
    await worker.end(name)
    return heard


def shown(codec: LiveCodec, frames: list[LiveFrame]) -> list[av.VideoFrame]:
    return decoded(codec, [EncodedPacket(one.body, one.pts, one.dts, 40, one.key) for one in frames])


def same_pictures(frames: list[av.VideoFrame], others: list[av.VideoFrame], least_db: float) -> None:
    """As much alike as two encoders leave them."""
    for one, other in zip(frames, others, strict=True):
        geometry = Geometry(PixelFormat.I420, other.width, other.height)
        expected = np.concatenate([samples(plane).reshape(-1) for plane in other.planes])
        assert psnr(one, Picture.over(geometry, Colour(), expected)) > least_db


def measured(worker: Worker, made_by: str) -> float:
    return value(worker.telemetry.metrics, "visavis_encode_duration_seconds_count", encoder=made_by)


@pytest.mark.parametrize("codec", QUANTISERS)
async def test_no_finished_picture_comes_to_the_host(tmp_path: Path, studio: Any, codec: LiveCodec) -> None:
    scene = studio.scene()
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=encoders()) as worker:
        there_ = await streamed(worker, scene, codec, on_card=True)
        # Two were drawn by the host, as their look asks; none of the others came.
        assert (worker.telemetry.fetched.frames, worker.telemetry.fetched.drawn_on_host) == (2, 2)
        assert (measured(worker, "nvenc"), measured(worker, "cpu")) == (FRAMES, 0)
        assert worker.slots_in_use() == 0
        here = await streamed(worker, scene, codec, on_card=False)
        assert (measured(worker, "nvenc"), measured(worker, "cpu")) == (FRAMES, FRAMES)
    assert [(one.number, one.pts, one.key) for one in there_] == [(n, 40 * n, n == 0) for n in range(FRAMES)]
    assert there_[0].header
    assert there_[0].header in there_[0].body
    same_pictures(shown(codec, there_), shown(codec, here), 38)


async def test_a_codec_that_did_not_pass_is_encoded_by_the_cpu(tmp_path: Path, studio: Any) -> None:
    some = CardEncoders(frozenset({LiveCodec.HEVC}), EmulatedCard, stand_in)
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=some) as worker:
        await streamed(worker, studio.scene(), LiveCodec.H264, on_card=True)
        assert (worker.telemetry.fetched.frames, measured(worker, "cpu")) == (FRAMES, FRAMES)


async def test_where_none_can_be_opened_the_cpu_encodes_and_the_log_says_why(
    tmp_path: Path, studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(measuring, "log", log)
    broken = encoders(faulty(lambda options: options | {"profile": "nonsense"}))
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=broken) as worker:
        frames = await streamed(worker, studio.scene(), LiveCodec.H264, on_card=True)
        assert (worker.telemetry.fetched.frames, measured(worker, "cpu")) == (FRAMES, FRAMES)
    assert len(shown(LiveCodec.H264, frames)) == FRAMES
    told = [call.kwargs["reason"] for call in log.calls if call.args == ("encoded by the CPU",)]
    assert told == ["The card has no encoder for it: Invalid argument."]


async def test_a_stream_whose_encoder_fails_goes_on_with_a_key_frame(
    tmp_path: Path, studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(measuring, "log", log)
    monkeypatch.setattr(encoders_module, "NvencCoder", Failing)
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=encoders()) as worker:
        frames = await streamed(worker, studio.scene(), LiveCodec.H264, on_card=True)
        assert (measured(worker, "nvenc"), measured(worker, "cpu")) == (4, 4)
        assert worker.slots_in_use() == 0
    assert [one.key for one in frames] == [number in {0, 4} for number in range(FRAMES)]
    assert [len(shown(LiveCodec.H264, frames[first:])) for first in (0, 4)] == [8, 4]
    told = [call.kwargs["reason"] for call in log.calls if call.args == ("encoded by the CPU",)]
    assert told == ["The card's encoder has failed: the driver is gone."]


async def test_a_card_has_its_encoder_back_when_a_session_ends(
    tmp_path: Path, studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[weakref.ref[NvencCoder]] = []

    def open_one(*wanted: Any) -> NvencCoder:
        coder = NvencCoder(*wanted)
        opened.append(weakref.ref(coder))
        return coder

    monkeypatch.setattr(encoders_module, "NvencCoder", open_one)
    async with working(tmp_path, EmulatedLane(tmp_path), encoders=encoders()) as worker:
        gc.disable()  # some cards have eight sessions: none may wait for that
        try:
            await streamed(worker, studio.scene(), LiveCodec.H264, on_card=True)
            assert [reference() for reference in opened] == [None]
        finally:
            gc.enable()


def test_outputs_are_told_that_another_track_begins() -> None:
    of, device, told = facts(), EmulatedCard(), list[Any]()
    output = LiveOutput(quality=0.9)
    opening = Surface.blank(device, of.geometry, of.colour)
    first = Failing(there(of), output, device, opening, stand_in)
    first_header = first.header
    coder = FallingBack(
        first,
        lambda: cpu_coder(there(of), output, 1, "medium"),
        lambda surface: surface.picture.downloaded(device),
        print,
    )
    collector = Collector()
    collector.let.set()
    outlets = Outlets(lambda _: collector, lambda *said: told.append(said))
    outlets.change((RecordOutput(),)).result()
    settings = LiveSettings(input=None, look=Look(), output=output)
    encoder = LiveEncoder(there(of), output, coder=coder)
    sink = LiveSink(settings, there(of), told.append, 1, outlets, SurfaceCopies(device), encoder)
    for number in range(FRAMES):
        mark = LiveMark(number, 0, NEVER, 0)
        frame = CapturedFrame(FrameReference(1, 0, 1), number, number * 3600, 3600, mark)
        sink.write(uploaded(device, moving(of, number)), frame, ())
    sink.close()
    outlets.close(over=True).result()
    tracks = [item for item in collector.items if isinstance(item, PictureTrack)]
    assert [track.header for track in tracks] == [first_header, encoder.header]
    assert first_header != encoder.header
    at = collector.items.index(tracks[1])
    after = collector.items[at + 1]
    assert (after.pts, after.key, encoder.header in after.body) == (4 * 3600, True, True)
    assert [bool(one.header) for one in told if isinstance(one, LiveFrame)] == [True, *[False] * 7]
