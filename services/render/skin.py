"""Where a face's skin lies: inside its oval, outside eyes, brows and lips, and of the skin's own colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.render.masks import feathered, filled, likeness, mean, median, ramp, share
from shared.model.parts import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.region import Grid, Region
    from services.render.shape import FaceShape

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


def find_skin(shape: FaceShape, region: Region, planes: tuple[Grid, Grid, Grid], luma_range: tuple[int, int]) -> Skin:
    """The skin of a face; planes are cell means of Y, Cb, Cr on the region's grid."""
    scale = shape.scale_px / region.step
    oval, hard, soft = _drawn(shape, region, scale)
    cells = _samples(shape, region)
    if not len(cells):
        nothing = np.zeros(region.cells, np.float32)
        return Skin(oval, nothing, nothing, (0.0, 128.0, 128.0))
    at = (cells[:, 1], cells[:, 0])
    coloured = likeness(planes[1:], at, CHROMA_SPREAD) * oval
    black = luma_range[0]
    tone = (median(planes[0][at]), median(planes[1][at]), median(planes[2][at]))
    brightness = max(1.0, tone[0] - black)
    texture, tint = (
        ramp(planes[0], black + low * brightness, black + high * brightness) for low, high in (TEXTURE_LUMA, TINT_LUMA)
    )
    return Skin(oval, _calm(coloured * texture) * hard, _calm(coloured * tint) * soft, tone)


def _drawn(shape: FaceShape, region: Region, scale: float) -> tuple[Grid, Grid, Grid]:
    """The oval, and what the features leave of it: exactly 0 all over them, and fading into them; each 0..1."""
    oval = filled(region.cells, [region.to_grid(shape.part(Part.OVAL))])
    features = filled(region.cells, [region.to_grid(shape.part(feature)) for feature in FEATURES])
    # Two cells at least: the way back to full size mixes a cell with its neighbours.
    reach = 2 * max(2, round(FEATURE_REACH * scale)) + 1
    hard = share(cv2.bitwise_not(cv2.dilate(features, np.ones((reach, reach), np.uint8))))
    return feathered(oval, FEATHER * scale), hard, 1 - feathered(features, FEATURE_FEATHER * scale)


def _samples(shape: FaceShape, region: Region) -> NDArray[np.intp]:
    """[n, 2] column, row of the cells of bare skin that the picture shows."""
    cells = np.rint(region.to_grid(shape.part(Part.BARE_SKIN))).astype(np.intp)
    rows, columns = region.cells
    return cells[((cells >= 0) & (cells < (columns, rows))).all(axis=1)]


def _calm(mask: Grid) -> Grid:
    # Cell by cell a colour follows the picture's noise; the mean of its neighbours does not flicker.
    return mean(mask, 1)
