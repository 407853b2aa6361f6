"""Eyeshadow: shades the upper lids, up to the brows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import ramp
from services.render.pigment import stain

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.eyes import Eye
    from services.render.region import Grid
    from services.render.tone import Tone
    from shared.model.effects import Eyeshadow

FEATHER = 0.03
"""Half width of the soft edge, in face scales."""
EYE_FEATHER, BROW_FEATHER = 0.006, 0.02
"""The same of what stays: the eye, and the brow."""
MOST, COVER = 1.0, 0.75
"""Of the colour, and of its brightness, at full amount along the lashes."""
AT_BROW = 0.25
"""What is left of it at the brow."""
HAIR = (0.2, 0.45)
"""Fractions of the skin's own brightness up to which it is hair, and from which on it is none."""


def eyeshadow(tone: Tone, canvas: Canvas, eye: Eye, value: Eyeshadow) -> None:
    """Strong along the lashes, fading to the brow; the eye itself and the hairs of the brow stay."""
    lid = canvas.ring(eye.lid_skin, feather=FEATHER)
    free = (1 - canvas.ring(eye.ring, feather=EYE_FEATHER)) * (1 - canvas.ring(eye.brow, feather=BROW_FEATHER))
    weight = lid * free * _fading(canvas, eye) * _not_hair(canvas) * np.float32(MOST * value.amount)
    stain(tone, canvas, weight, value.color, COVER)


def _fading(canvas: Canvas, eye: Eye) -> Grid:
    """1 at the lashes, AT_BROW at the brow."""
    lashes, brow = canvas.cells_of(eye.upper_lid).mean(axis=0), canvas.cells_of(eye.brow).mean(axis=0)
    way = brow - lashes
    rows, columns = np.indices(canvas.region.cells, np.float32)
    gone = ((columns - lashes[0]) * way[0] + (rows - lashes[1]) * way[1]) / np.float32(max(float(way @ way), 1.0))
    return np.asarray(1 - np.float32(1 - AT_BROW) * np.clip(gone, 0, 1), np.float32)


def _not_hair(canvas: Canvas) -> Grid:
    """0 where it is much darker than skin: hair before the lid is not painted."""
    black = canvas.luma_range[0]
    bright = max(1.0, canvas.skin.tone[0] - black)
    return ramp(canvas.planes[0], *(black + share * bright for share in HAIR))
