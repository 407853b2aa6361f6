"""Narrow nose: draws the wings of the nose inwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

AMOUNT = 0.3
"""How far the wings move in at full strength, as a fraction of their distance from the middle."""
RADIUS = 0.17
"""How far the pull reaches, in face scales."""


def narrow_nose(shape: FaceShape, value: float) -> Bumps:
    """One bump over each wing; the two pull against each other on the nose's ridge, which stays."""
    right, left = shape.part(Part.NOSE_WINGS)
    inwards = (left - right) / 2 * np.float32(AMOUNT * value)
    return Bumps.pulling(np.stack([right, left]), RADIUS * shape.scale_px, np.stack([inwards, -inwards]))
