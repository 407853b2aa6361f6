"""Jaw: draws the corners of the jaw inwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

AMOUNT = 0.17
"""How far the jaw line moves in at full strength, as a fraction of its distance from the middle of the face."""
RADIUS = 0.28
"""How far the pull reaches, in face scales."""
PROFILE: Final = (0.1, 0.5, 0.9, 1.0, 0.8, 0.45, 0.15, 0.0, 0.0)
"""Share of AMOUNT for each pair along the jaw lines, from the ear to the chin."""


def jaw(shape: FaceShape, value: float) -> Bumps:
    """Bumps along the jaw line that pull each point towards its opposite."""
    right, left = shape.part(Part.RIGHT_JAW), shape.part(Part.LEFT_JAW)
    return Bumps.closing(
        right, left, np.float32(AMOUNT * value) * np.array(PROFILE, np.float32), RADIUS * shape.scale_px
    )
