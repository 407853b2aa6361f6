"""Forehead: makes the forehead higher, or lower below 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps, stretches
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

AMOUNT = 0.065
"""How far the hairline moves at full strength, in face scales."""
RADIUS = 0.33
"""How far the pull reaches, in face scales: to the brows."""


def forehead(shape: FaceShape, value: float) -> Bumps:
    """Bumps along the hairline, even in their sum."""
    line = shape.part(Part.HAIRLINE)
    radius = RADIUS * shape.scale_px
    up = -shape.down * np.float32(AMOUNT * value * shape.scale_px)
    return Bumps.pulling(line, radius, stretches(line, radius)[:, None] * up)
