"""Face blur: shows a head so far out of focus that nobody is recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from services.render.head import FACE_WIDTH

if TYPE_CHECKING:
    from services.render.head import Head
    from services.render.region import Plane
    from services.render.veil import Veil

SIGMA = 0.28
"""Standard deviation of the blur at full strength, in widths of the face.

Of detail of f cycles a face width a Gaussian leaves exp(-2 (pi sigma f)^2). At half strength that is 10^-11 at 8
cycles, 10^-6 at 6 and 1 % at 3.5. Faces are told apart by 8 to 16 cycles (Parker and Costen 1999; Näsänen 1999), and
well-known ones are recognised in pictures 12 pixels wide, 6 cycles (Sinha 2002).
"""
_LEAST = 0.01
"""Cells: what OpenCV takes a kernel of one sample for; of 0 it would choose a kernel by itself."""


def face_blur(veil: Veil, value: float) -> tuple[Plane, ...]:
    """A Gaussian, on cell means of the grid, which blur a little too."""
    sigma = sigma_of(veil.head, value, veil.region.step)
    return tuple(
        _blurred(plane, veil.region.step // subsampling, sigma)
        for plane, subsampling in zip(veil.planes, veil.subsamplings, strict=True)
    )


def sigma_of(head: Head, value: float, step: int) -> float:
    """Standard deviation at a strength, in cells of `step` pixels."""
    return max(SIGMA * value * FACE_WIDTH * head.size_px / step, _LEAST)


def _blurred(samples: Plane, side: int, sigma: float) -> Plane:
    """side: samples along a cell; sigma: in cells."""
    rows, columns = (-(-count // side) for count in samples.shape[:2])
    down, right = rows * side - samples.shape[0], columns * side - samples.shape[1]
    if down or right:
        samples = np.asarray(cv2.copyMakeBorder(samples, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    small = cv2.resize(samples, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)  # quicker than bytes
    blurred = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    full = cv2.resize(np.rint(blurred).astype(np.uint8), (columns * side, rows * side), interpolation=cv2.INTER_LINEAR)
    return cast("Plane", full[: full.shape[0] - down, : full.shape[1] - right])
