"""Dark circles: lightens the shadows below the eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import mean
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.tone import Tone

FEATHER = 0.03
"""Half width of the soft edge, in face scales."""
LIFTED, COLOURED = 0.8, 0.6
"""How much of what they lack to the skin's brightness, and differ from its colour, goes at full strength."""
MOST_LEVELS = 34.0
"""So much is a dark circle; what lacks more is something else."""
WINDOW = 0.03
"""Half width of the window whose brightness counts, in face scales: lines stay."""


def dark_circles(tone: Tone, canvas: Canvas, value: float) -> None:
    """What is darker than the skin elsewhere comes nearer to it, as a whole; what is not stays."""
    ring = canvas.ring(Part.RIGHT_UNDER_EYE, Part.LEFT_UNDER_EYE, feather=FEATHER)
    weight = ring * canvas.skin.tint * np.float32(value)
    light, *colour = canvas.skin.tone
    lacking = np.clip(light - mean(canvas.planes[0], max(1, round(WINDOW * canvas.scale))), 0, MOST_LEVELS)
    tone.add(0, weight * np.float32(LIFTED) * lacking)
    tone.tint(weight * np.float32(COLOURED), *colour)
