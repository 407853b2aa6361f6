"""A number by which two decoders' frames are compared without bringing both to one place."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from shared.model.pictures import Picture


def checksum_of(picture: Picture) -> int:
    """The CRC-32 of a 4:2:0 picture's samples; the same for i420 and nv12 with the same samples."""
    luma, *chroma = picture.planes
    pairs = chroma[0] if picture.geometry.format is PixelFormat.NV12 else np.stack(chroma, axis=-1)
    return crc32(np.ascontiguousarray(pairs).data, crc32(np.ascontiguousarray(luma).data))
