"""Narrow face: makes the whole face narrower, temples too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.narrowing import narrowed
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.bumps import Bumps
    from services.render.shape import FaceShape

AMOUNT = 0.12
"""How far the sides move in at full strength, as a fraction of their distance from the middle of the face."""
RADIUS = 0.42
"""How far the pull reaches, in face scales."""
PROFILE: Final = (0.6, 0.9, 1.0, 0.9, 0.7, 0.4)
"""Share of AMOUNT at the temple, the cheekbone and four points down the jaw line."""
_OF_JAW = (1, 3, 5, 7)


def narrow_face(shape: FaceShape, value: float) -> Bumps:
    """Bumps down both sides that pull each point towards its opposite."""
    temples, bones = shape.part(Part.TEMPLES), shape.part(Part.CHEEKBONES)
    right, left = (
        np.concatenate([temples[side : side + 1], bones[side : side + 1], shape.part(jaw)[_OF_JAW, :]])
        for side, jaw in enumerate((Part.RIGHT_JAW, Part.LEFT_JAW))
    )
    return narrowed(shape, (right, left), AMOUNT * value, profile=PROFILE, radius=RADIUS)
