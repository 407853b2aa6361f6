"""Pictures of the host as cards have them, and back."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from shared.model.pictures import Picture, PixelFormat


def nv12_of(picture: Picture) -> Picture:
    """A copy of an i420 picture."""
    luma, blue, red = picture.planes
    geometry = msgspec.structs.replace(picture.geometry, format=PixelFormat.NV12)
    return Picture(geometry, picture.colour, (luma.copy(), np.stack([blue, red], axis=-1)))


def i420_of(picture: Picture) -> Picture:
    """The same way back."""
    luma, chroma = picture.planes
    geometry = msgspec.structs.replace(picture.geometry, format=PixelFormat.I420)
    return replace(picture, geometry=geometry, planes=(luma, chroma[..., 0].copy(), chroma[..., 1].copy()))
