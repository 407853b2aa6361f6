"""Smooth: evens the skin and keeps its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.evening import even_chroma
from services.render.masks import mean, mean_and_variance

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.tone import Tone

RADIUS = 0.03
"""Half width of the window that is evened, in face scales."""
EDGE_LEVELS = 11.0
"""Standard deviation, in luma levels, from which on a window holds an edge rather than skin texture."""
CHROMA_EVENED = 0.6
"""How much of the blotches in the skin's colour goes at full strength."""


def smooth(tone: Tone, canvas: Canvas, value: float) -> None:
    """Luma by a guided filter that guides itself (He, Sun, Tang 2010; at reduced size: He, Sun 2015), chroma by means.

    A window with variance v keeps v / (v + EDGE_LEVELS²) of its contrast: edges stay, pores and blotches go.
    """
    radius = max(1, round(RADIUS * canvas.scale))
    weight = canvas.skin.texture * np.float32(value)
    middle, variance = mean_and_variance(canvas.planes[0], radius)
    np.maximum(variance, 0, out=variance)
    kept = np.asarray(variance / (variance + EDGE_LEVELS**2), np.float32)
    tone.blend_luma(weight, mean(kept, radius), mean(middle - middle * kept, radius))
    even_chroma(tone, canvas, weight * np.float32(CHROMA_EVENED), 2 * radius)
