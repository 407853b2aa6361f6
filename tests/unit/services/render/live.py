"""Moving pictures, and packets of them, for what goes out live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

from services.render.encoding.live import LiveEncoder
from services.render.encoding.packets import EncodedPacket
from shared.model.live import LiveCodec, LiveOutput, SoundOpened, SoundPacket
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model.faces import Face
    from shared.model.frames import CapturedFrame

CODED = tuple(codec for codec in LiveCodec if not codec.is_raw)
BETWEEN = tuple(codec for codec in CODED if not codec.is_intra)
"""Those with frames that refer to others."""
DECODERS = {LiveCodec.AV1: "libdav1d"}


class Blank:
    """A sink that wants nothing."""

    wants_picture = wants_faces = keeps_alpha = False

    def write(self, picture: Picture, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        pass

    def abort(self) -> None:
        pass


def facts(width: int = 128, height: int = 96, **more: object) -> VideoFacts:
    geometry = Geometry(PixelFormat.I420, width, height)
    fields = {"geometry": geometry, "colour": Colour(), "time_base": (1, 90000), "frame_rate": (25, 1), **more}
    return VideoFacts(**fields)


def moving(of: VideoFacts, number: int) -> Picture:
    """A gradient with a bright square that moves and two colours, different for every number."""
    picture = Picture.blank(of.geometry, of.colour)
    y, cb, cr = picture.planes
    rows, columns = np.ogrid[: y.shape[0], : y.shape[1]]
    y[...] = 40 + 80 * columns // y.shape[1] + 60 * rows // y.shape[0]
    left = number * 3 % max(1, y.shape[1] - 12)
    y[y.shape[0] // 3 : y.shape[0] // 3 + 12, left : left + 12] = 225
    cb[...], cr[...] = 100, 150
    cb[:, : cb.shape[1] // 2], cr[:, : cr.shape[1] // 2] = 150, 110
    return picture


def encoded(
    of: VideoFacts,
    output: LiveOutput,
    pts: Sequence[int],
    duration: int = 3600,
    keys: Iterable[int] = (),
    first: int = 0,
) -> tuple[LiveEncoder, list[EncodedPacket]]:
    """Moving pictures from number `first` on, encoded; keys: which of them are asked to be key frames."""
    encoder, wanted = LiveEncoder(of, output, 1), set(keys)
    packets: list[EncodedPacket] = []
    for number, at in enumerate(pts):
        packets += encoder.encode(moving(of, first + number), at, duration, key=number in wanted)
    return encoder, packets + encoder.flush()


def decoded(codec: LiveCodec, packets: Iterable[EncodedPacket]) -> list[av.VideoFrame]:
    """Frames of packets, by a decoder that is told nothing but the codec."""
    context = av.CodecContext.create(DECODERS.get(codec, codec.value), "r")
    context.thread_count = 1
    frames: list[av.VideoFrame] = []
    for packet in packets:
        coded = av.Packet(packet.body)
        coded.pts, coded.dts = packet.pts, packet.dts
        frames += context.decode(coded)
    return frames + context.decode(None)


def planes_of(frame: av.VideoFrame) -> list[np.ndarray]:
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    ]


def psnr(frame: av.VideoFrame, picture: Picture) -> float:
    """Decibels over all three planes of 4:2:0."""
    pairs = zip(planes_of(frame), picture.planes, strict=True)
    errors = [(read[: p.shape[0], : p.shape[1]].astype(float) - p) ** 2 for read, p in pairs]
    return float(10 * np.log10(255**2 / max(1e-9, np.mean(np.concatenate([e.ravel() for e in errors])))))


AAC_LC_STEREO_48000 = bytes.fromhex("1190")


def sound_opened(codec: str = "aac") -> SoundOpened:
    return SoundOpened(session="s", codec=codec, header=AAC_LC_STEREO_48000, rate=48000, channels=2)


def sounds(seconds: float, start: int = 0) -> list[SoundPacket]:
    """A tone as AAC, times in 90 kHz."""
    context = av.CodecContext.create("aac", "w")
    context.sample_rate, context.layout, context.format = 48000, "stereo", "fltp"
    packets = []
    for number in range(int(seconds * 48000) // 1024):
        wave = np.sin(np.arange(1024 * number, 1024 * (number + 1)) * 440 * 2 * np.pi / 48000).astype(np.float32) / 3
        frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), "fltp", "stereo")
        frame.sample_rate, frame.pts = 48000, 1024 * number
        packets += context.encode(frame)
    packets += context.encode(None)
    return [
        SoundPacket(session="s", pts=start + 1920 * number, duration=1920, body=bytes(packet))
        for number, packet in enumerate(packets)
    ]
