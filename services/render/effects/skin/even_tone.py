"""Even tone: takes redness and spots out of the skin's colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.evening import even_chroma
from services.render.masks import mean_of

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.region import Grid
    from services.render.tone import Tone

RADIUS = 0.11
"""Half width of the window whose mean colour is taken, in face scales: wider than a spot, narrower than a cheek."""
EVENED = 0.85
"""How much of the difference in colour goes at full strength."""
FINE, COARSE = 0.035, 0.1
"""Half widths of the windows between which blotches of brightness lie, in face scales."""
LEVELLED = 0.5
"""How much of these goes at full strength."""


def even_tone(tone: Tone, canvas: Canvas, value: float) -> None:
    """Colour towards its mean around; brightness too, but only what is coarser than pores and finer than shading."""
    weight = canvas.skin.texture * np.float32(value)
    even_chroma(tone, canvas, weight * np.float32(EVENED), max(2, round(RADIUS * canvas.scale)))
    fine, coarse = (_mean_of_skin(canvas, max(1, round(size * canvas.scale))) for size in (FINE, COARSE))
    tone.add(0, weight * np.float32(LEVELLED) * (coarse - fine))


def _mean_of_skin(canvas: Canvas, radius: int) -> Grid:
    return mean_of(canvas.planes[0], canvas.skin.texture + np.float32(1e-3), radius)
