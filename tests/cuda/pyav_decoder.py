"""A card's decoder without a card: FFmpeg's, whose frames are laid into the device's memory as NVDEC's are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np

from services.ingest.cuda.decoder import CardRefused, Decoded
from services.ingest.cuda.messages import CodecRange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.cuda.device import Device

RANGES = tuple(CodecRange(codec, (16, 8192), (16, 8192)) for codec in ("h264", "hevc", "vp9", "av1"))
"""What it is to be told that it takes."""


class PyAVDecoder:
    """As `services.ingest.cuda.nvdec.Nvdec`."""

    def __init__(self, device: Device, codec: str, *, is_live: bool = False) -> None:
        self._device = device  # with one thread FFmpeg gives each frame as soon as it can, live or not
        self._context: Any = av.CodecContext.create({"av1": "libdav1d"}.get(codec, codec), "r")
        self._context.thread_count = 1

    def decode(self, body: bytes, number: int, pts: int | None) -> list[Decoded]:
        if not body:
            return []
        packet = av.Packet(body)
        packet.pts = number
        try:
            return self._placed(self._context.decode(packet))
        except av.error.FFmpegError:
            return []  # NVDEC leaves out what it cannot make a picture of

    def flush(self) -> list[Decoded]:
        return self._placed(self._context.decode(None))

    def close(self) -> None:
        self._device.synchronize()

    def _placed(self, frames: Iterable[Any]) -> list[Decoded]:
        return [self._frame(frame) for frame in frames]

    def _frame(self, frame: Any) -> Decoded:
        if frame.format.name not in {"yuv420p", "yuvj420p"}:
            raise CardRefused(f"The card decodes it to {frame.format.name}, not to 4:2:0 with 8 bits.")
        rows, columns = frame.height, frame.width + frame.width % 2
        memory = np.zeros(rows * columns + (rows + 1) // 2 * columns, np.uint8)
        luma, chroma = memory[: rows * columns], memory[rows * columns :]
        luma.reshape(rows, columns)[:, : frame.width] = samples(frame.planes[0])
        pairs = chroma.reshape((rows + 1) // 2, columns // 2, 2)
        pairs[..., 0], pairs[..., 1] = samples(frame.planes[1]), samples(frame.planes[2])
        there = self._device.upload(memory)
        start = rows * columns
        return Decoded(frame.pts, there[:start].reshape(rows, columns), there[start:].reshape(pairs.shape))


def samples(plane: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """[rows, columns] of one plane of a frame."""
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
