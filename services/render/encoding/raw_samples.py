"""A picture as bytes, sample after sample, in the layouts that need no decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.chroma import split
from services.render.encoding.frames import frame_of
from shared.model.live import LiveCodec
from shared.model.pictures import Matrix, PixelFormat

if TYPE_CHECKING:
    from shared.model.pictures import Picture

SWSCALE_MATRICES: Final = {Matrix.BT601: 5, Matrix.BT709: 1, Matrix.BT2020: 9}
"""swscale's numbers (SWS_CS_*)."""
SWSCALE_RANGES: Final = {False: 1, True: 2}


def samples_of(picture: Picture, codec: LiveCodec) -> bytes:
    """The samples of a picture (i420 or nv12), plane after plane without padding, as i420, nv12 or rgb24.

    Raises ValueError for a codec that is not raw.
    """
    if picture.geometry.format is PixelFormat.NV12:
        if codec is LiveCodec.NV12:
            return b"".join(plane.tobytes() for plane in picture.planes)
        picture = split(picture)  # also for rgb24: swscale rounds otherwise where it begins with nv12
    if codec is LiveCodec.I420:
        return b"".join(plane.tobytes() for plane in picture.planes)
    if codec is LiveCodec.NV12:
        y, cb, cr = picture.planes
        return y.tobytes() + np.stack([cb, cr], axis=-1).tobytes()
    if codec is LiveCodec.RGB24:
        return _rgb24(picture)
    raise ValueError(f"{codec} is not raw")


def _rgb24(picture: Picture) -> bytes:
    """By swscale, at a third of what OpenCV takes; chroma is repeated, not interpolated."""
    colour, geometry = picture.colour, picture.geometry
    rgb = frame_of(picture).reformat(
        format="rgb24",
        src_colorspace=SWSCALE_MATRICES[colour.matrix],
        src_color_range=SWSCALE_RANGES[colour.full_range],
        dst_color_range=SWSCALE_RANGES[True],
    )
    (plane,) = rgb.planes
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[: geometry.height, : geometry.width * 3].tobytes()
