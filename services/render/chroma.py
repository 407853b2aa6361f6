"""The two ways in which 4:2:0 lies in memory: Cb and Cr in planes of their own, or in turn in one."""

from __future__ import annotations

import cv2
import numpy as np

from shared.model.pictures import Picture, PixelFormat


def split(nv12: Picture, target: Picture | None = None) -> Picture:
    """An NV12 picture as I420, copied into `target`, or into new memory."""
    if target is None:
        target = Picture.blank(nv12.geometry.laid_out(PixelFormat.I420), nv12.colour)
    y, *halves = target.planes
    np.copyto(y, nv12.planes[0])
    cv2.split(nv12.planes[1], halves)
    return target


def interleave(i420: Picture, target: Picture) -> None:
    """Copy an I420 picture into an NV12 one of its size."""
    y, chroma = target.planes
    np.copyto(y, i420.planes[0])
    cv2.merge(i420.planes[1:], chroma)
