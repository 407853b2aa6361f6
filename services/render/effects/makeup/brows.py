"""Brows: fills the brows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import mean, ramp

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.eyes import Eye
    from services.render.tone import Tone
    from shared.model.effects import Brows

FEATHER = 0.03
"""Half width of the soft edge, in face scales: hairs grow beyond the ring of landmarks."""
BETWEEN = 0.2
"""How far the skin within the ring goes to the colour at full amount, as a part of how far hairs go."""
LEVELS = (3.0, 16.0)
"""How much darker than its surroundings a spot is that may be hair, and that surely is."""
WINDOW = 0.06
"""Half width of the window of the surroundings, in face scales."""
COVER = 0.75
"""How far the brightness of hairs goes at full amount."""


def brows(tone: Tone, canvas: Canvas, eye: Eye, value: Brows) -> None:
    """Hairs, and a little what lies between them: so it is the brow's own shape that is filled."""
    luma = canvas.planes[0]
    around = mean(luma, max(2, round(WINDOW * canvas.scale)))
    hairs = mean(ramp(around - luma, *LEVELS), 1)
    weight = canvas.ring(eye.brow, feather=FEATHER) * (np.float32(BETWEEN) + np.float32(1 - BETWEEN) * hairs)
    weight *= (1 - canvas.ring(eye.ring, feather=FEATHER)) * np.float32(value.amount)
    y, *chroma = canvas.paint(value.color)
    tone.add(0, weight * np.float32(COVER) * np.minimum(y - luma, 0))
    tone.tint(weight, *chroma)
