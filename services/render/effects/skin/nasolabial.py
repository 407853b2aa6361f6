"""Nasolabial: softens the folds from the nose to the corners of the mouth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import mean, mean_of
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.tone import Tone

FEATHER = 0.03
"""Half width of the soft edge, in face scales."""
FINE, COARSE = 0.012, 0.075
"""Half widths of the windows between which a fold lies, in face scales."""
FILLED = 0.85
"""How much of a fold's shadow goes at full strength."""
MOST_LEVELS = 45.0
"""So deep is a fold's shadow; what is darker is something else."""


def nasolabial(tone: Tone, canvas: Canvas, value: float) -> None:
    """What is darker than its surroundings is lightened; the cheek's own light beside the fold stays."""
    ring = canvas.ring(Part.RIGHT_FOLD, Part.LEFT_FOLD, feather=FEATHER)
    weight = ring * canvas.skin.tint * np.float32(FILLED * value)
    skin = canvas.skin.tint + np.float32(1e-3)  # lips and nostrils are no surroundings
    fine, coarse = max(1, round(FINE * canvas.scale)), max(2, round(COARSE * canvas.scale))
    around = mean_of(canvas.planes[0], skin, coarse)
    tone.add(0, weight * np.clip(around - mean(canvas.planes[0], fine), 0, MOST_LEVELS))
