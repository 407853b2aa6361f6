"""Where a face's skin lies: inside its oval, outside eyes, brows and lips, and of the skin's own colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.render.masks import feathered, filled, likeness, mean, mean_and_variance, median, ramp, share
from services.render.patch import AS_STILLS
from services.render.region import size_of
from shared.model.colours import yuv_of_rgb
from shared.model.parts import Part
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.render.region import Grid, Region
    from services.render.shape import FaceShape
    from shared.model.pictures import Picture

    Samples = NDArray[np.float32]

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
TEXTURE_LUMA = (0.35, 0.7)
TINT_LUMA = (0.15, 0.45)
"""Fractions of the skin's own brightness at which skin begins and is sure: below lie hair, shadows and nostrils."""

STREAK = 0.025
"""Half width of the window in which hair is streaky, in face scales."""
STREAKS = (0.04, 0.085)
"""Standard deviation of luma in it, as fractions of the skin's brightness, at which hair begins and is sure."""
ABOVE_BROWS = (0.06, 0.14)
"""Heights above the middle of the brows between which streaks come to be hair, in face scales."""
SAMPLED = 0.008
"""Distance between the samples around a point of bare skin, in face scales."""
_AROUND = np.array([(0, 0), (-1, -1), (1, -1), (-1, 1), (1, 1)])


@dataclass(frozen=True, slots=True)
class Skin:
    """A face's skin on the working grid of its region; grids are [rows, columns] float32, 0..1."""

    oval: Grid
    """The face, whatever its colour."""
    texture: Grid
    """How much of a cell is bare skin; exactly 0 on eyes, brows, lips and hair, and one cell around them."""
    tint: Grid
    """Where the skin's tone is; fades softly into eyes, brows and lips, and takes in its shadows."""
    tone: tuple[float, float, float]
    """Y, Cb, Cr of the skin, 0..255: medians of what is surely bare; of no meaning where `texture` is nothing."""


def bare_skin(picture: Picture, shape: FaceShape) -> Samples:
    """[3, n] float32: Y, Cb, Cr, 0..255, at the n points of bare skin that the picture shows.

    Each is the mean of a few samples around; rgb24 in the samples that `patch.read` makes of it.
    """
    size = np.array(size_of(picture), np.intp)
    points = np.rint(shape.part(Part.BARE_SKIN)).astype(np.intp)
    points = points[((points >= 0) & (points < size)).all(axis=1)]
    around = points[:, None] + _AROUND * max(1, round(SAMPLED * shape.scale_px))
    columns, rows = around.clip(0, size - 1).transpose(2, 0, 1)
    if picture.geometry.format is PixelFormat.RGB24:
        pixels = picture.planes[0][rows, columns].mean(axis=1)
        samples = yuv_of_rgb(AS_STILLS) @ np.vstack([pixels.T, np.ones(len(pixels))])
        return np.asarray(samples, np.float32)
    y, cb, cr = picture.planes
    halves = (cb[rows // 2, columns // 2], cr[rows // 2, columns // 2])
    return np.stack([plane.mean(axis=1) for plane in (y[rows, columns], *halves)]).astype(np.float32)


def find_skin(shape: FaceShape, region: Region, planes: Sequence[Grid], black: int, bare: Samples) -> Skin:
    """The skin of a face, as far as the region shows it.

    planes: cell means of Y, Cb, Cr on the region's grid. black: luma of black. bare: what `bare_skin` says of the face.
    """
    oval, hard, soft = _drawn(shape, region)
    if not bare.shape[1]:
        nothing = np.zeros(region.cells, np.float32)
        return Skin(oval, nothing, nothing, (0.0, 128.0, 128.0))
    coloured = likeness(planes[1:], list(bare[1:]), CHROMA_SPREAD) * oval
    tone = (median(bare[0]), median(bare[1]), median(bare[2]))
    brightness = max(1.0, tone[0] - black)
    texture, tint = (
        ramp(planes[0], *(black + share * brightness for share in shares)) for shares in (TEXTURE_LUMA, TINT_LUMA)
    )
    coloured *= 1 - _hair(shape, region, planes[0], brightness)
    return Skin(oval, _calm(coloured * texture) * hard, _calm(coloured * tint) * soft, tone)


def _drawn(shape: FaceShape, region: Region) -> tuple[Grid, Grid, Grid]:
    """The oval, and what the features leave of it: exactly 0 all over them, and fading into them; each 0..1."""
    scale = shape.scale_px / region.step
    oval = filled(region.cells, [region.to_grid(shape.part(Part.OVAL))])
    features = filled(region.cells, [region.to_grid(shape.part(feature)) for feature in FEATURES])
    # Two cells at least: the way back to full size mixes a cell with its neighbours.
    reach = 2 * max(2, round(FEATURE_REACH * scale)) + 1
    hard = share(cv2.bitwise_not(cv2.dilate(features, np.ones((reach, reach), np.uint8))))
    return feathered(oval, FEATHER * scale), hard, 1 - feathered(features, FEATURE_FEATHER * scale)


def _hair(shape: FaceShape, region: Region, luma: Grid, brightness: float) -> Grid:
    """0..1: what lies above the brows and is streaky: hair on a forehead may have the colour of skin."""
    scale = shape.scale_px / region.step
    brows = region.to_grid(np.concatenate([shape.part(Part.RIGHT_BROW), shape.part(Part.LEFT_BROW)]))
    hair = np.zeros(region.cells, np.float32)
    rows = min(max(0, int(brows[:, 1].max())), len(hair))
    if rows < 2:
        return hair
    x, y = brows.mean(axis=0).tolist()
    right, down = (region.to_grid(shape.part(Part.LIPS)).mean(axis=0) - (x, y)).tolist()
    length = math.hypot(right, down) * scale
    across = (np.arange(hair.shape[1], dtype=np.float32) - x) * (-right / max(length, 1e-3))
    above = across + ((np.arange(rows, dtype=np.float32) - y) * (-down / max(length, 1e-3)))[:, None]
    _, variance = mean_and_variance(luma[:rows], max(1, round(STREAK * scale)))
    none, sure = ((share * brightness) ** 2 for share in STREAKS)
    hair[:rows] = ramp(variance, none, sure) * ramp(above.astype(np.float32), *ABOVE_BROWS)
    return hair


def _calm(mask: Grid) -> Grid:
    # Cell by cell a colour follows the picture's noise; the mean of its neighbours does not flicker.
    return mean(mask, 1)
