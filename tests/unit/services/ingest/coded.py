"""Coded frames for tests of live sessions, made on the spot."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import numpy as np

from shared.model.live import LiveCodec, LiveInput
from tests.unit.services.ingest.conftest import scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENCODERS = {
    LiveCodec.H264: ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "crf": "10"}),
    LiveCodec.HEVC: ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:tune=zerolatency:bframes=0"}),
    LiveCodec.VP9: ("libvpx-vp9", {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}),
    LiveCodec.AV1: ("libsvtav1", {"preset": "12", "svtav1-params": "pred-struct=1:lookahead=0"}),
    LiveCodec.MJPEG: ("mjpeg", {}),
}


class Coded(NamedTuple):
    """One packet."""

    pts: int
    key: bool
    body: bytes


def asked(codec: LiveCodec, size: tuple[int, int] = (64, 48), **wanted: Any) -> LiveInput:
    """What a client says of frames of `coded`."""
    return LiveInput(codec=codec, width=size[0], height=size[1], rate=25, clock_hz=1000, **wanted)


def picture(index: int, size: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """[height, width, 3]: what frame `index` shows."""
    return scene(index, *size)


def coded(codec: LiveCodec, count: int, size: tuple[int, int] = (64, 48), **options: str) -> list[Coded]:
    """So many frames, 40 ms apart, in order of decoding."""
    if codec.is_raw:
        name = {LiveCodec.I420: "yuv420p", LiveCodec.NV12: "nv12", LiveCodec.RGB24: "rgb24"}[codec]
        frames = [av.VideoFrame.from_ndarray(picture(index, size), format="rgb24") for index in range(count)]
        bodies = [frame.reformat(format=name).to_ndarray().tobytes() for frame in frames]
        return [Coded(index * 40, True, body) for index, body in enumerate(bodies)]
    name, usual = ENCODERS[codec]
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height = size
    context.pix_fmt = "yuvj420p" if codec is LiveCodec.MJPEG else "yuv420p"
    context.time_base, context.framerate = Fraction(1, 1000), Fraction(25)
    context.thread_count = 1
    context.options = {**usual, **options}
    packets = []
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(picture(index, size), format="rgb24").reformat(format=context.pix_fmt)
        frame.pts, frame.time_base = index * 40, Fraction(1, 1000)
        packets += context.encode(frame)
    packets += context.encode(None)
    return [Coded(packet.pts, packet.is_keyframe, bytes(packet)) for packet in packets]
