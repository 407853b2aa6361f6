"""Eye distance: moves the eyes apart, or together below 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

AMOUNT = 0.04
"""How far each eye moves at full strength, in face scales."""
RADIUS = 0.24
"""How far the pull reaches, in face scales: with the brow, not to the other eye."""


def eye_distance(shape: FaceShape, value: float) -> Bumps:
    """One bump over each eye."""
    eyes = np.concatenate([shape.part(Part.RIGHT_EYE_CENTRE), shape.part(Part.LEFT_EYE_CENTRE)])
    outwards = shape.across * np.float32(AMOUNT * value * shape.scale_px)
    return Bumps.pulling(eyes, RADIUS * shape.scale_px, np.stack([-outwards, outwards]))
