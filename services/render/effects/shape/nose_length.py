"""Nose length: makes the nose longer, or shorter below 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

AMOUNT = 0.045
"""How far tip and wings move at full strength, in face scales."""
RADIUS = 0.24
"""How far the pull reaches, in face scales: nearly to the upper lip."""


def nose_length(shape: FaceShape, value: float) -> Bumps:
    """One bump over tip and wings, up the ridge from their middle."""
    wings, ridge = shape.part(Part.NOSE_WINGS).mean(axis=0), shape.part(Part.NOSE_RIDGE)
    centre = (wings + ridge[-1] + ridge[-2]) / 3
    return Bumps.pulling(
        centre[None], RADIUS * shape.scale_px, shape.down[None] * np.float32(AMOUNT * value * shape.scale_px)
    )
