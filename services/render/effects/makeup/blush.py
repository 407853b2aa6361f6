"""Blush: reddens the cheeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.pigment import stain
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.tone import Tone
    from shared.model.effects import Blush

FEATHER = 0.15
"""Half width of the soft edge, in face scales."""
MOST = 0.6
"""Of the colour at full amount in the middle of a cheek."""
COVER = 0.35


def blush(tone: Tone, canvas: Canvas, value: Blush) -> None:
    """On the apple of each cheek, rising to the ear; the cheek that is turned away fades."""
    right, left = canvas.shape.facing()
    weight = canvas.ring(Part.RIGHT_CHEEK, feather=FEATHER) * np.float32(right)
    weight += canvas.ring(Part.LEFT_CHEEK, feather=FEATHER) * np.float32(left)
    stain(tone, canvas, weight * canvas.skin.tint * np.float32(MOST * value.amount), value.color, COVER)
