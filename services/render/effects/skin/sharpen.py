"""Sharpen: brings out the detail of eyes, brows, lips and hair within the face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.tone import Tone

RADIUS = 0.006
"""Half width of the window that detail is finer than, in face scales."""
AMOUNT = 1.1
"""How much of the detail is added at full strength."""
ON_SKIN = 0.2
"""Of that on bare skin, where detail is pores and noise."""


def sharpen(tone: Tone, canvas: Canvas, value: float) -> None:
    """Unsharp mask of the luma within the oval."""
    bare = canvas.skin.texture * np.float32(1 - ON_SKIN)
    radius = max(1, round(RADIUS * canvas.shape.scale_px))
    tone.sharpen(canvas.skin.oval * (1 - bare) * np.float32(AMOUNT * value), radius)
