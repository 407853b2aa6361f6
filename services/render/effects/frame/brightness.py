"""Brightness: a curve of luma that lifts or lowers what lies between black and white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from services.render.region import Grid

SLOPE = 2.2
"""Of the curve at black at 1, and at white at -1; middle grey becomes 0.69 or 0.31."""


def brightness(luma: Grid, value: float) -> Grid:
    """Luma 0..1 by a hyperbola through black and white (Schlick 1994, "Fast alternatives to Perlin's bias and gain").

    Its slope at black is finite, unlike a power's: noise in shadows is not blown up without bound.
    """
    slope = SLOPE**value
    return np.asarray(slope * luma / (1 + (slope - 1) * luma))
