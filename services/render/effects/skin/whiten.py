"""Whiten: lightens the skin and keeps its shading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import mean

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.region import Grid
    from services.render.tone import Tone

LIFT = 0.45
"""Height of the tone curve at full strength: so many times (y - black)(white - y) / (white - black) is added."""
PALE = 0.12
"""How much of the skin's colour is taken away at full strength."""
WINDOW = 0.06
"""Half width of the window whose brightness says where on the curve a spot of skin is, in face scales."""


def whiten(tone: Tone, canvas: Canvas, value: float) -> None:
    """Luma by the tone curve, colour paler."""
    weight = canvas.skin.tint * np.float32(value)
    lift(tone, canvas, weight, LIFT)
    tone.tint(weight * np.float32(PALE), 128, 128)


def lift(tone: Tone, canvas: Canvas, weight: Grid, height: float) -> None:
    """Luma by a parabola that leaves black and white where they are, taken at the brightness around.

    Taken at the brightness around, the curve lifts light and shade alike: features keep their contrast.
    """
    black, white = canvas.luma_range
    around = mean(canvas.planes[0], max(1, round(WINDOW * canvas.scale)))
    reach = height / (white - black)
    lifted = reach * (around - black) * (white - around)
    slope = reach * (white + black - 2 * around)
    tone.blend_luma(weight, 1 + slope, lifted - slope * around)
