"""Where a face's skin lies: inside its oval, outside eyes, brows and lips, and of the skin's own colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from shared.model.parts import Part

if TYPE_CHECKING:
    from cv2.typing import MatLike
    from numpy.typing import NDArray

    from services.render.region import Grid, Region
    from services.render.shape import FaceShape

    Mask = NDArray[np.uint8]

FEATURES = (Part.RIGHT_EYE, Part.LEFT_EYE, Part.RIGHT_BROW, Part.LEFT_BROW, Part.LIPS)
"""Rings that are no skin."""
FEATURE_REACH = 0.028
"""How far beyond their rings lashes, hairs and lip liner reach, in face scales."""
FEATHER = 0.05
"""Half width of the mask's soft edge along the oval, in face scales."""
FEATURE_FEATHER = 0.035
"""The same of the tint around eyes, brows and lips."""
CHROMA_SPREAD = (3.0, 7.0)
"""Least and most standard deviation that a skin's chroma is taken to have, in 8-bit levels."""
CHROMA_SURE, CHROMA_GONE = 1.7, 3.7
"""Standard deviations up to which a colour is skin, and from which on it is not."""
TEXTURE_LUMA = (0.35, 0.7)
TINT_LUMA = (0.15, 0.45)
"""Fractions of the skin's own brightness at which skin begins and is sure: below lie hair, shadows and nostrils."""
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class Skin:
    """A face's skin on the working grid of its region; grids are [rows, columns] float32."""

    texture: Grid
    """0..1: how much of a cell is bare skin; exactly 0 on eyes, brows, lips and hair, and one cell around them."""
    tint: Grid
    """0..1: where the skin's tone is; fades softly into eyes, brows and lips, and takes in its shadows."""
    planes: tuple[Grid, Grid, Grid]
    """Y, Cb, Cr: cell means of the picture, 0..255."""
    scale: float
    """The face's scale in cells."""
    luma_range: tuple[int, int]
    """Luma of black and of white."""


def find_skin(shape: FaceShape, region: Region, planes: tuple[Grid, Grid, Grid], luma_range: tuple[int, int]) -> Skin:
    """The skin of a face; planes are cell means of Y, Cb, Cr on the region's grid."""
    scale = shape.scale_px / region.step
    oval, hard, soft = _drawn(shape, region, scale)
    cells = _samples(shape, region)
    if not len(cells):
        nothing = np.zeros(region.cells, np.float32)
        return Skin(nothing, nothing, planes, scale, luma_range)
    at = (cells[:, 1], cells[:, 0])
    coloured = _coloured_like(at, planes) * oval
    black = luma_range[0]
    brightness = max(1.0, _median(planes[0][at]) - black)
    texture, tint = (
        _ramp(planes[0], black + low * brightness, black + high * brightness) for low, high in (TEXTURE_LUMA, TINT_LUMA)
    )
    return Skin(_calm(coloured * texture) * hard, _calm(coloured * tint) * soft, planes, scale, luma_range)


def _drawn(shape: FaceShape, region: Region, scale: float) -> tuple[Grid, Grid, Grid]:
    """The oval, and what the features leave of it: exactly 0 all over them, and fading into them; each 0..1."""
    oval, features = (np.zeros(region.cells, np.uint8) for _ in range(2))
    _fill(oval, region.to_grid(shape.part(Part.OVAL)))
    for feature in FEATURES:
        _fill(features, region.to_grid(shape.part(feature)))
    # Two cells at least: the way back to full size mixes a cell with its neighbours.
    reach = 2 * max(2, round(FEATURE_REACH * scale)) + 1
    hard = _scaled(cv2.bitwise_not(cv2.dilate(features, np.ones((reach, reach), np.uint8))))
    return _blurred(oval, FEATHER * scale), hard, 1 - _blurred(features, FEATURE_FEATHER * scale)


def _fill(canvas: Mask, ring: NDArray[np.float32]) -> None:
    limit = 2**14  # keeps the fixed-point coordinates of far landmarks within OpenCV's
    fixed = np.rint(np.clip(ring, -limit, limit) * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], 255, cv2.LINE_8, _SUBPIXEL_BITS)


def _blurred(mask: Mask, radius: float) -> Grid:
    side = 2 * max(1, round(radius)) + 1
    return _scaled(cv2.blur(mask, (side, side)))


def _scaled(mask: MatLike) -> Grid:
    return mask.astype(np.float32) * np.float32(1 / 255)


def _samples(shape: FaceShape, region: Region) -> NDArray[np.intp]:
    """[n, 2] column, row of the cells of bare skin that the picture shows."""
    cells = np.rint(region.to_grid(shape.part(Part.BARE_SKIN))).astype(np.intp)
    rows, columns = region.cells
    return cells[((cells >= 0) & (cells < (columns, rows))).all(axis=1)]


def _coloured_like(at: tuple[NDArray[np.intp], NDArray[np.intp]], planes: tuple[Grid, Grid, Grid]) -> Grid:
    distance = _deviation(planes[1], planes[1][at]) + _deviation(planes[2], planes[2][at])
    return _ramp(distance, CHROMA_GONE**2, CHROMA_SURE**2)


def _deviation(plane: Grid, samples: NDArray[np.float32]) -> Grid:
    middle = _median(samples)
    spread = 1.4826 * _median(np.abs(samples - middle))  # of a normal distribution, from its median deviation
    scaled = (plane - middle) * (1 / min(max(spread, CHROMA_SPREAD[0]), CHROMA_SPREAD[1]))
    scaled *= scaled
    return scaled


def _ramp(grid: Grid, nothing: float, whole: float) -> Grid:
    """0 at and beyond `nothing`, 1 at and beyond `whole`, straight in between."""
    slope = 1 / (whole - nothing)
    ramp = grid * slope
    ramp -= nothing * slope
    np.maximum(ramp, 0, out=ramp)
    np.minimum(ramp, 1, out=ramp)
    return ramp


def _calm(mask: Grid) -> Grid:
    # Cell by cell a colour follows the picture's noise; the mean of its neighbours does not flicker.
    return cast("Grid", cv2.blur(mask, (3, 3)))


def _median(samples: NDArray[np.float32]) -> float:
    return float(np.sort(samples)[len(samples) // 2])  # np.median takes five times as long on so few
