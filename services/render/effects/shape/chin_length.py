"""Chin length: makes the chin longer, or shorter below 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.bumps import Bumps, stretches
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

AMOUNT = 0.065
"""How far the tip moves at full strength, in face scales."""
RADIUS = 0.3
"""How far the pull reaches, in face scales: not to the lips."""
PROFILE: Final = (0.35, 0.75, 1.0, 1.0, 1.0, 0.75, 0.35)
"""Share of AMOUNT along the lower end of the jaw, round the chin."""


def chin_length(shape: FaceShape, value: float) -> Bumps:
    """Bumps along the edge of the chin, even in their sum, so that it keeps its shape."""
    right, left = shape.part(Part.RIGHT_JAW), shape.part(Part.LEFT_JAW)
    edge = np.concatenate([right[-3:], shape.part(Part.CHIN), left[:-4:-1]])
    radius = RADIUS * shape.scale_px
    amounts = stretches(edge, radius) * np.array(PROFILE, np.float32) * np.float32(AMOUNT * value * shape.scale_px)
    return Bumps.pulling(edge, radius, amounts[:, None] * shape.down)
