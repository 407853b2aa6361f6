"""Soft masks on a working grid: filled rings, their edges, ramps, means."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cv2.typing import MatLike
    from numpy.typing import NDArray

    from services.render.region import Grid

    Mask = NDArray[np.uint8]
    Points = NDArray[np.float32]
    Samples = NDArray[np.float32]
    Some = TypeVar("Some", Grid, Mask)

SURE, GONE = 1.7, 3.7
"""Standard deviations up to which a colour is the same, and from which on it is another."""
_SUBPIXEL_BITS = 4
FARTHEST = 2**14
"""Keeps the fixed-point coordinates of far landmarks within OpenCV's."""


def filled(cells: tuple[int, int], rings: Sequence[Points]) -> Mask:
    """uint8 [rows, columns]: 255 within any of the rings [n, 2] of x, y in cells, smooth along their edges."""
    mask, start = np.zeros(cells, np.uint8), 0
    if not rings:
        return mask
    fixed = fixed_point(np.concatenate(rings))  # at once: each call of NumPy takes longer than a ring
    for ring in rings:
        cv2.fillPoly(mask, [fixed[start : start + len(ring)]], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        start += len(ring)
    return mask


def stroked(cells: tuple[int, int], line: Points, width: float) -> Mask:
    """uint8 [rows, columns]: 255 along a line [n, 2] of x, y in cells; a width below one cell is drawn fainter."""
    mask = np.zeros(cells, np.uint8)
    level = round(255 * min(1.0, width))
    cv2.polylines(mask, [fixed_point(line)], False, level, max(1, round(width)), cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def fixed_point(points: Points) -> NDArray[np.int32]:
    """[n, 2] in 16ths of a cell, as rings and lines are drawn by."""
    fixed: NDArray[np.int32] = np.rint(np.clip(points, -FARTHEST, FARTHEST) * 2**_SUBPIXEL_BITS).astype(np.int32)
    return fixed


def share(mask: MatLike) -> Grid:
    """uint8 0..255 as float32 0..1."""
    return mask.astype(np.float32) * np.float32(1 / 255)


def feathered(mask: Mask, radius: float) -> Grid:
    """The mask as float32 0..1, its edges `radius` cells wide on both sides, one at least."""
    return share(mean(mask, max(1, round(radius))))


def mean(grid: Some, radius: int) -> Some:
    """The mean of the window of `radius` cells around each cell."""
    side = 2 * radius + 1
    return cast("Some", cv2.blur(grid, (side, side)))


def mean_and_variance(grid: Grid, radius: int) -> tuple[Grid, Grid]:
    """Of the window of `radius` cells around each cell; rounding leaves some variances just below 0."""
    middle = mean(grid, radius)
    return middle, mean(grid * grid, radius) - middle * middle


def mean_of(plane: Grid, weight: Grid, radius: int) -> Grid:
    """The same of a plane where each cell counts by its weight, which is above 0."""
    return mean(plane * weight, radius) / mean(weight, radius)


def ramp(grid: Grid, nothing: float, whole: float) -> Grid:
    """0 at and beyond `nothing`, 1 at and beyond `whole`, straight in between."""
    slope = 1 / (whole - nothing)
    rising = grid * slope
    rising -= nothing * slope
    # Half the time of NumPy's with a number.
    cv2.threshold(rising, 0, 0, cv2.THRESH_TOZERO, rising)
    cv2.threshold(rising, 1, 0, cv2.THRESH_TRUNC, rising)
    return rising


def median(samples: NDArray[np.float32]) -> float:
    """The median of a few samples; above 0 of them."""
    return float(np.sort(samples)[len(samples) // 2])  # np.median takes five times as long on so few


def likeness(planes: Sequence[Grid], samples: Sequence[Samples], spread: tuple[float, float]) -> Grid:
    """0..1: how much each cell's colour is like that of the samples, [n] of each plane.

    spread: least and most standard deviation that the colour is taken to have, in 8-bit levels.
    """
    distance = sum(_deviation(plane, some, spread) for plane, some in zip(planes, samples, strict=True))
    return ramp(cast("Grid", distance), GONE**2, SURE**2)


def _deviation(plane: Grid, samples: NDArray[np.float32], spread: tuple[float, float]) -> Grid:
    middle = median(samples)
    own = 1.4826 * median(np.abs(samples - middle))  # of a normal distribution, from its median deviation
    scaled = (plane - middle) * (1 / min(max(own, spread[0]), spread[1]))
    scaled *= scaled
    return scaled
