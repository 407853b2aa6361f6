"""Lipstick: colours the lips and keeps their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from services.render.masks import feathered, filled, likeness, median, ramp
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.masks import Mask
    from services.render.region import Grid
    from services.render.tone import Tone
    from shared.model.effects import Lipstick

FEATHER = 0.008
"""Half width of the soft edge, in face scales."""
SPREAD = (7.0, 14.0)
"""Least and most standard deviation that the colour of lips is taken to have, 8-bit levels."""
COVER, TINT = 0.75, 0.8
"""How far brightness and colour of the lips go to those of the stick at full amount."""
LINES = 0.25
"""What the colour of the lips' own lines keeps of its contrast."""
SURELY = 200
"""What of the 255 of the mask of the lips is surely lips."""
LIGHTS = 0.25
"""How far above the lips' own brightness lights stand out wholly, between black and white."""
GLOSS, MATTE = 1.3, -0.35
"""What is added to the lights on lips, as a part of how much they stand out."""


def lipstick(tone: Tone, canvas: Canvas, value: Lipstick) -> None:
    """Shifts the lips as a whole, so that their own light and lines stay; what has another colour is before them."""
    lips = filled(canvas.region.cells, [canvas.cells_of(Part.LIPS)])
    inside = filled(canvas.region.cells, [canvas.cells_of(Part.MOUTH)])
    bare = cast("Mask", cv2.subtract(lips, inside))
    surely = bare > SURELY
    if not surely.any():
        return
    samples = [plane[surely] for plane in canvas.planes]
    weight = feathered(bare, FEATHER * canvas.scale) * likeness(canvas.planes[1:], samples[1:], SPREAD)
    weight *= np.float32(value.amount)
    colour, own = canvas.paint(value.color), [median(some) for some in samples]
    tone.add(0, weight * (np.float32(COVER * (colour[0] - own[0])) + _shine(canvas, own[0], value)))
    chroma = (
        np.float32(LINES) * (plane - np.float32(middle)) + np.float32(level)
        for plane, middle, level in zip(canvas.planes[1:], own[1:], colour[1:], strict=True)
    )
    tone.tint(weight * np.float32(TINT), *chroma)


def _shine(canvas: Canvas, middle: float, value: Lipstick) -> Grid:
    black, white = canvas.luma_range
    lights = ramp(canvas.planes[0], middle, middle + LIGHTS * (white - black)) * np.float32(LIGHTS * (white - black))
    return lights * np.float32(GLOSS if value.finish == "gloss" else MATTE)
