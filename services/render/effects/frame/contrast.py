"""Contrast: a curve of luma that is steeper or flatter around middle grey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from services.render.region import Grid

SLOPE = 2.2
"""Of the curve at middle grey at 1; its inverse at -1."""


def contrast(luma: Grid, value: float) -> Grid:
    """Luma 0..1 by two hyperbolas that meet at middle grey (Schlick 1994); black and white stay where they are."""
    slope = SLOPE**value
    end = np.minimum(luma, 1 - luma)  # from the nearer of black and white
    bent = end / (slope + (1 - slope) * 2 * end)
    return np.asarray(np.where(luma < 0.5, bent, 1 - bent), np.float32)
