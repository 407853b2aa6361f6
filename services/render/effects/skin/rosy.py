"""Rosy: gives the skin a warm, fresh colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.tone import Tone

BLUE, RED = -2.0, 5.5
"""What is added to Cb and Cr at full strength, 8-bit levels."""
LIGHT = 2.0
"""What is added to Y: more red alone looks darker."""


def rosy(tone: Tone, canvas: Canvas, value: float) -> None:
    """The same shift of colour all over the skin."""
    weight = canvas.skin.tint * np.float32(value)
    for plane, levels in enumerate((LIGHT, BLUE, RED)):
        tone.add(plane, weight * np.float32(levels))
