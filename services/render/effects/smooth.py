"""Smooth: evens the skin and keeps its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from services.render.region import Grid
    from services.render.skin import Skin
    from services.render.tone import Tone

RADIUS = 0.03
"""Half width of the window that is evened, in face scales."""
EDGE_LEVELS = 11.0
"""Standard deviation, in luma levels, from which on a window holds an edge rather than skin texture."""
CHROMA_EVENED = 0.6
"""How much of the blotches in the skin's colour goes at full strength."""


def smooth(tone: Tone, skin: Skin, strength: float) -> None:
    """Luma by a guided filter that guides itself (He, Sun, Tang 2010; at reduced size: He, Sun 2015), chroma by means.

    A window with variance v keeps v / (v + EDGE_LEVELS²) of its contrast: edges stay, pores and blotches go.
    """
    radius = max(1, round(RADIUS * skin.scale))
    weight = skin.texture * np.float32(strength)
    luma = skin.planes[0]
    mean = _mean(luma, radius)
    variance = _mean(luma * luma, radius) - mean * mean
    np.maximum(variance, 0, out=variance)  # rounding leaves some just below
    kept = np.asarray(variance / (variance + EDGE_LEVELS**2), np.float32)
    tone.blend(0, weight, _mean(kept, radius), _mean(mean - mean * kept, radius))
    _even_chroma(tone, skin, weight, 2 * radius)


def _even_chroma(tone: Tone, skin: Skin, weight: Grid, radius: int) -> None:
    share = _mean(skin.texture, radius) + np.float32(1e-3)  # skin's own mean: lips and hair do not bleed into it
    for plane in (1, 2):
        mean = _mean(skin.planes[plane] * skin.texture, radius) / share
        tone.blend(plane, weight * np.float32(CHROMA_EVENED), 0, mean)


def _mean(grid: Grid, radius: int) -> Grid:
    return cast("Grid", cv2.blur(grid, (2 * radius + 1, 2 * radius + 1)))
