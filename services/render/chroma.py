"""The two ways in which 4:2:0 lies in memory: Cb and Cr in planes of their own, or in turn in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import msgspec
import numpy as np

from shared.model.pictures import Picture, PixelFormat

if TYPE_CHECKING:
    from shared.model.pictures import Geometry


def laid_out(geometry: Geometry, as_format: PixelFormat) -> Geometry:
    """The same size in another layout."""
    return msgspec.structs.replace(geometry, format=as_format)


def split(nv12: Picture, target: Picture | None = None) -> Picture:
    """An NV12 picture as I420, copied into `target`, or into new memory."""
    if target is None:
        target = Picture.blank(laid_out(nv12.geometry, PixelFormat.I420), nv12.colour)
    y, *halves = target.planes
    np.copyto(y, nv12.planes[0])
    cv2.split(nv12.planes[1], halves)
    return target


def interleave(i420: Picture, target: Picture) -> None:
    """Copy an I420 picture into an NV12 one of its size."""
    y, chroma = target.planes
    np.copyto(y, i420.planes[0])
    cv2.merge(i420.planes[1:], chroma)
