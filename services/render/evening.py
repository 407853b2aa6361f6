"""Evens the colour of skin: what effects that calm it have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import mean

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.region import Grid
    from services.render.tone import Tone


def even_chroma(tone: Tone, canvas: Canvas, weight: Grid, radius: int) -> None:
    """Blend the skin's colour with its mean over a window: lips and hair do not bleed into it."""
    texture = canvas.skin.texture
    share = mean(texture, radius) + np.float32(1e-3)
    tone.tint(weight, *(mean(canvas.planes[plane] * texture, radius) / share for plane in (1, 2)))
