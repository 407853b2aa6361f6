"""Media made on the spot, a pool to decode into, and a lane."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import av
import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from PIL import Image

from services.ingest.decoders.making import DecodedFrame
from services.ingest.lane import Lane
from shared.memory.host import HostPool
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.errors import Unavailable
from shared.model.frames import ForRender, FramesCaptured, FramesEnded
from shared.model.media import DecodeSummary, MediaKind, StillFacts, VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.model.sessions import (
    BeginSession,
    EndSession,
    SessionBegun,
    SessionEnded,
    SessionRefused,
    begin_subject,
    end_subject,
)
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry
from shared.testing import MemoryBus
from shared.transport import wire
from shared.transport.topology import detect_queue, render_queue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from numpy.typing import NDArray
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from shared.model.media import Facts
    from shared.transport.bus import Received


@pytest.fixture(autouse=True)
def _quiet_ffmpeg() -> None:
    av.logging.set_level(None)
    av.logging.set_libav_level(av.logging.PANIC)


@pytest.fixture(autouse=True)
def _pillow_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers of pictures tell Pillow their limit, in production in a process of their own."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


def scene(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """[height, width, 3]: red on the left, a bright square in the upper left corner, green grows with time."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 200
    image[:, :, 1] = (index * 7) % 120
    image[: height // 4, : width // 4] = 240
    return image


def write_video(path: Path, **wanted: Any) -> Path:
    """A small clip. See the names in `o` for what can be wanted."""
    o = {"frames": 12, "size": (64, 48), "codec": "libx264", "pix_fmt": "yuv420p", "format": None, "audio": None}
    o |= {"rotation": None, "mirrored": False, "aspect": None, "pts": None, "time_base": Fraction(1, 25)}
    o |= {
        "options": {},
        "colour": None,
        "container": {},
        "audio_rate": 48000,
        "title": "",
        "language": "",
        "paint": scene,
    }
    o |= wanted
    with av.open(str(path), "w", format=o["format"], container_options=o["container"]) as container:
        if o["title"]:
            container.metadata["title"] = o["title"]
        video = _add_video(container, o) if o["codec"] else None
        audio = _add_audio(container, o) if o["audio"] else None
        container.start_encoding()
        if video is not None:
            _write_frames(container, video, o)
        if audio is not None:
            _write_sound(container, audio, o)
    return path


def _add_video(container: Any, o: dict[str, Any]) -> Any:
    stream = container.add_stream(o["codec"], rate=25, options=dict(o["options"]))
    stream.width, stream.height = o["size"]
    stream.pix_fmt = o["pix_fmt"]
    stream.codec_context.time_base = stream.time_base = o["time_base"]
    if o["aspect"]:
        stream.codec_context.sample_aspect_ratio = o["aspect"]
    if o["colour"]:
        stream.color_primaries, stream.color_trc, stream.colorspace, stream.color_range = o["colour"]
    if o["rotation"] is not None:
        stream.set_display_rotation(o["rotation"], o["mirrored"])
    return stream


def _add_audio(container: Any, o: dict[str, Any]) -> Any:
    stream = container.add_stream(o["audio"], rate=o["audio_rate"])
    stream.layout = "stereo"
    if o["language"]:
        stream.metadata["language"] = o["language"]
    return stream


def _write_frames(container: Any, stream: Any, o: dict[str, Any]) -> None:
    for index in range(o["frames"]):
        frame = av.VideoFrame.from_ndarray(o["paint"](index, *o["size"]), "rgb24").reformat(format=o["pix_fmt"])
        frame.pts = o["pts"][index] if o["pts"] else index
        frame.time_base = o["time_base"]
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _write_sound(container: Any, stream: Any, o: dict[str, Any]) -> None:
    rate = o["audio_rate"]
    wave = (np.sin(np.arange(2 * 1024) / 9) * 8000).astype(np.int16).reshape(1, -1)
    for start in range(0, rate * o["frames"] // 25, 1024):
        frame = av.AudioFrame.from_ndarray(wave, "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """make_video("clip.mp4", frames=12, ...) writes a clip and returns its path."""
    return lambda name, **wanted: write_video(tmp_path / name, **wanted)


@pytest.fixture
def encoded_still() -> Callable[..., bytes]:
    """encoded_still("PNG", size=(w, h), mode="RGB", **save options): bytes of a picture."""

    def encode(kind: str, size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any) -> bytes:
        body = io.BytesIO()
        Image.fromarray(scene(3, *size)).convert(mode).save(body, kind, **options)
        return body.getvalue()

    return encode


@pytest.fixture
def clips() -> Path:
    """The real clips that lie beside the repository."""
    folder = Path(__file__).parents[5] / "shared" / "media"
    if not folder.is_dir():
        pytest.skip("the real clips in ../shared/media are not there")
    return folder


@pytest.fixture
def pool_fd(tmp_path: Path) -> Iterator[int]:
    """A file of eight megabytes that stands for the frame pool."""
    fd = os.open(tmp_path / "pool", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 8 << 20)
    yield fd
    os.close(fd)


class ScriptedDecoding:
    """A decoding with the methods of the real one: so many frames as soon as there is room, then the error, if any."""

    def __init__(self, facts: Facts, frames: int = 0, error: Exception | None = None, damaged: int = 0) -> None:
        self.summary = DecodeSummary(frames=frames, damaged_packets=damaged)
        self.going_on = asyncio.Event()
        self.going_on.set()
        self.granted: list[int] = []
        self._facts = facts
        self._error = error
        self._slots: asyncio.Queue[int] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def opened(self) -> Facts:
        if self._error is not None and not self.summary.frames:
            raise self._error
        return self._facts

    def grant(self, slot: int, _: int, __: int) -> None:
        self.granted.append(slot)
        self._slots.put_nowait(slot)

    async def frames(self) -> AsyncIterator[DecodedFrame]:
        for number in range(self.summary.frames):
            yield DecodedFrame(await self._slots.get(), number, number * 40, 40)
        await self.going_on.wait()
        if self._error is not None:
            raise self._error


class RenderDouble:
    """A render worker of the lane as ingest sees it, with a row of its own in the real pool."""

    def __init__(self, rig: LaneRig, path: Path) -> None:
        self.reader = HostReader(path, "w")
        self.reader.open()
        self.draws = True
        """False: frames are taken and never released."""
        self.refusals = 0
        """So many sessions are refused first."""
        self.hears_ends = True
        self.answers = asyncio.Event()
        """Unset: nobody who asks for an owner hears of one."""
        self.answers.set()
        self.begun: list[BeginSession] = []
        self.ended: list[str] = []
        self.announced: list[FramesEnded] = []
        self.taken: list[FramesCaptured] = []
        self.came = asyncio.Event()
        self.after_frames: Callable[[FramesEnded], Awaitable[None]] | None = None
        self._rig = rig

    async def begin(self, received: Received) -> bytes:
        if self.refusals:
            self.refusals -= 1
            return wire.encode(SessionRefused(retry_after_seconds=0.01))
        self.begun.append(wire.decode(received.body, wire.decoder(BeginSession)))
        await self.answers.wait()
        return wire.encode(SessionBegun(worker="w", row=self.reader.row))

    async def end(self, received: Received) -> bytes:
        if not self.hears_ends:
            raise Unavailable("deaf")
        session = wire.decode(received.body, wire.decoder(EndSession)).session
        self.ended.append(session)
        return wire.encode(SessionEnded(session=session))

    async def take(self) -> None:
        async with self._rig.bus.consume(detect_queue("local")) as deliveries:
            async for delivery in deliveries:
                message = wire.decode(delivery.body, wire.decoder(FramesCaptured))
                self.taken.append(message)
                if self.draws:
                    self.release(message)
                self.came.set()
                await delivery.done()

    def release(self, message: FramesCaptured) -> None:
        for frame in message.frames:
            self.reader.release(frame.reference)

    async def hear(self) -> None:
        async with self._rig.bus.consume(render_queue("local", "w")) as deliveries:
            async for delivery in deliveries:
                message = wire.decode(delivery.body, wire.decoder(ForRender))
                self.announced.append(message)
                if self.after_frames is not None:
                    await self.after_frames(message)
                await delivery.done()


class LaneRig:
    """A lane over the in-memory bus and a real pool of eight slots; what decoders find is scripted."""

    def __init__(self, folder: Path) -> None:
        path = folder / "frame-pool"
        self.pool = HostPool.create(path, (SlotClass(8, 64 * 48 * 3),))
        self.bus = MemoryBus()
        self.sent: list[bytes] = []
        self.telemetry = Telemetry("ingest", ServiceSettings(), self.sent.append)
        self.render = RenderDouble(self, path)
        self.decoding = ScriptedDecoding(VIDEO)
        self.lane = Lane("local", self.pool, self, self.bus, self.telemetry, most_together=4, most_slots=6)

    def decode(self, _: object) -> ScriptedDecoding:
        """As Decoders.decode."""
        return self.decoding

    def scripted(self, frames: int = 0, facts: Facts | None = None, **wanted: Any) -> ScriptedDecoding:
        """What the decoder will find."""
        self.decoding = ScriptedDecoding(facts or VIDEO, frames, **wanted)
        return self.decoding

    def spans(self) -> list[Span]:
        """All that have ended, by their start."""
        self.telemetry._provider.force_flush(2000)
        found = [ExportTraceServiceRequest.FromString(body).resource_spans for body in self.sent]
        spans = [span for one in found for sent in one for scope in sent.scope_spans for span in scope.spans]
        return sorted(spans, key=lambda span: span.start_time_unix_nano)

    def in_use(self) -> int:
        self.pool.sweep()
        return self.pool.ledger.in_use

    @staticmethod
    async def until(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110  -- a slot that comes back wakes nobody
                await asyncio.sleep(0.005)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(one) for one in (self.render.take(), self.render.hear())]
        try:
            async with (
                self.bus.answer(begin_subject("local"), "render", self.render.begin),
                self.bus.answer(end_subject("local", "w"), "render-w", self.render.end),
            ):
                yield
        finally:
            await self.lane.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.telemetry.close()
            self.render.reader.close()
            self.pool.close()


VIDEO = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 1000), frame_rate=(25, 1),
    frames_expected=9,
)  # fmt: skip


@pytest.fixture
def video_facts() -> VideoFacts:
    """Of a clip whose frames fit the lane's slots."""
    return VIDEO


@pytest.fixture
def still_facts() -> StillFacts:
    """Of a picture that fits the lane's slots."""
    return StillFacts(geometry=Geometry(PixelFormat.RGB24, 64, 48), kind=MediaKind.PNG)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[LaneRig]:
    """A lane with a warm render worker."""
    made = LaneRig(tmp_path)
    async with made.running():
        yield made
