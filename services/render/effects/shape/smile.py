"""Smile: lifts the corners of the mouth, or lowers them below 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

UP, OUT = 0.055, 0.025
"""How far the corners move at full strength, in face scales; downwards they do not move out."""
RADIUS = 0.2
"""How far the pull reaches, in face scales: the middle of the lips stays."""


def smile(shape: FaceShape, value: float) -> Bumps:
    """One bump over each corner."""
    up = -shape.down * np.float32(UP * value * shape.scale_px)
    out = shape.across * np.float32(OUT * max(0.0, value) * shape.scale_px)
    return Bumps.pulling(shape.part(Part.MOUTH_CORNERS), RADIUS * shape.scale_px, np.stack([up - out, up + out]))
