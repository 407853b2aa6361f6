"""Cheekbone: draws the cheekbones inwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

AMOUNT = 0.1
"""How far they move in at full strength, as a fraction of their distance from the middle of the face."""
RADIUS = 0.36
"""How far the pull reaches, in face scales."""


def cheekbone(shape: FaceShape, value: float) -> Bumps:
    """One bump over each."""
    right, left = shape.part(Part.CHEEKBONES)
    inwards = (left - right) / 2 * np.float32(AMOUNT * value)
    return Bumps.pulling(np.stack([right, left]), RADIUS * shape.scale_px, np.stack([inwards, -inwards]))
