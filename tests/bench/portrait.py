"""A portrait at any size in a frame of any size, with its face: what looks are measured and shown on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from skimage import data

from shared.model.faces import Face
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.detect.finding import FaceFinder

GROUND = 110
"""Grey around the portrait."""


def astronaut() -> NDArray[np.uint8]:
    """[512, 512, 3] RGB: Eileen Collins, by NASA, in the public domain; ships with scikit-image."""
    return np.ascontiguousarray(data.astronaut())  # type: ignore[no-untyped-call]  # scikit-image has no types


def still(rgb: NDArray[np.uint8]) -> Picture:
    """Pixels [rows, columns, 3] as a picture."""
    geometry = Geometry(PixelFormat.RGB24, rgb.shape[1], rgb.shape[0])
    return Picture.over(geometry, Colour(), np.ascontiguousarray(rgb).reshape(-1))


def enlarged(rgb: NDArray[np.uint8], finder: FaceFinder, face_px: float) -> tuple[NDArray[np.uint8], Face]:
    """The portrait so large that its face is `face_px` wide, and that face."""
    (face,) = finder.find(still(rgb))
    times = face_px / (face.box_px[2] - face.box_px[0])
    large = cv2.resize(rgb, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8), Face.of((face.landmarks_px * times).astype(np.float32), 1.0)


def in_frame(rgb: NDArray[np.uint8], face: Face, size: tuple[int, int]) -> tuple[Picture, Face]:
    """An i420 frame of `size` (width, height) with the face in its middle."""
    width, height = size
    x, y, _ = face.landmarks_px.mean(axis=0)
    shift = np.float32([[1, 0, width // 2 - int(x)], [0, 1, height // 2 - int(y)]])
    shown = cv2.warpAffine(rgb, shift, size, borderValue=(GROUND,) * 3)
    frame = cv2.cvtColor(shown, cv2.COLOR_RGB2YUV_I420)
    moved = face.landmarks_px + np.array((*shift[:, 2], 0), np.float32)
    return Picture.over(Geometry(PixelFormat.I420, width, height), Colour(), frame.reshape(-1)), Face.of(moved, 1.0)
