"""Frames of a user's own clip, upright, as detect is shown them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from shared.model.errors import Rejected
from shared.model.pictures import Colour, Geometry, Matrix, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.video.frame import VideoFrame

    from shared.model.pictures import Plane

MOST_FRAMES = 300
_PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})
_MATRICES = {Colorspace.ITU709.value: Matrix.BT709, Colorspace.BT2020.value: Matrix.BT2020}
"""What a frame may say; everything else is treated as BT.601, as in standard definition."""


def frames(path: Path, most: int = MOST_FRAMES) -> Iterator[Picture]:
    """The first `most` frames of the video `path` in order of presentation, each in memory of its own, as i420.

    Raises Rejected (`unsupported-media`) if it cannot be read or has no frames.
    """
    count = 0
    try:
        with av.open(str(path)) as clip:
            if not clip.streams.video:
                raise Rejected("unsupported-media", f"{path} has no video.")
            for frame in islice(clip.decode(video=0), most):
                count += 1
                yield _picture(frame)
    except av.error.FFmpegError as error:
        raise Rejected("unsupported-media", f"{path} cannot be read: {error.strerror}.") from error
    if not count:
        raise Rejected("unsupported-media", f"{path} has no frames.")


def _picture(frame: VideoFrame) -> Picture:
    full_range = frame.color_range == ColorRange.JPEG or frame.format.name == "yuvj420p"
    colour = Colour(matrix=_MATRICES.get(int(frame.colorspace), Matrix.BT601), full_range=full_range)
    stored = frame if frame.format.name in _PLANAR_420 else frame.reformat(format="yuv420p")
    quarters = round(frame.rotation / 90) % 4
    width, height = (frame.height, frame.width) if quarters % 2 else (frame.width, frame.height)
    picture = Picture.blank(Geometry(PixelFormat.I420, width, height), colour)
    for index, target in enumerate(picture.planes):
        target[:] = np.rot90(_plane(stored, index), quarters)  # both count counterclockwise
    return picture


def _plane(frame: VideoFrame, index: int) -> Plane:
    plane = frame.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
