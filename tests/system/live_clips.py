"""Packets for live streams, from the sample portrait that moves."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK_HZ, RATE = 90_000, 30
STEP = CLOCK_HZ // RATE
OPTIONS = {
    "libx264": {"preset": "ultrafast", "tune": "zerolatency", "crf": "20", "g": "30"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:tune=zerolatency:bframes=0:keyint=30"},
    "mjpeg": {},
}


class Coded(NamedTuple):
    """One packet."""

    pts: int
    key: bool
    data: bytes


def moving(portrait: bytes, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """The portrait, a few pixels further in each frame."""
    pixels = cv2.cvtColor(cv2.imdecode(np.frombuffer(portrait, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(np.roll(small, number % 20, 1), format="rgb24")
        frame.pts, frame.time_base = number * STEP, Fraction(1, CLOCK_HZ)
        yield frame


def coded(portrait: bytes, count: int, size: tuple[int, int] = (640, 360), encoder: str = "libx264") -> list[Coded]:
    """So many frames at RATE, in order of decoding."""
    context: Any = av.CodecContext.create(encoder, "w")
    context.width, context.height = size
    context.pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    context.time_base, context.framerate = Fraction(1, CLOCK_HZ), Fraction(RATE)
    context.thread_count, context.options = 1, OPTIONS[encoder]
    packets = []
    for frame in moving(portrait, size, count):
        packets += context.encode(frame.reformat(format=context.pix_fmt))
    packets += context.encode(None)
    return [Coded(packet.pts, packet.is_keyframe, bytes(packet)) for packet in packets]


def decoded(packets: list[bytes], codec: str = "h264") -> list[np.ndarray]:
    """[height, width, 3] RGB of each frame."""
    context: Any = av.CodecContext.create(codec, "r")
    frames = [frame for data in packets for frame in context.decode(av.Packet(data))] + context.decode(None)
    return [frame.to_ndarray(format="rgb24") for frame in frames]
