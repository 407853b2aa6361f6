"""Brighten eyes: lightens the eyes and takes redness out of their white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import ramp

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.eyes import Eye
    from services.render.tone import Tone

FEATHER = 0.012
"""Half width of the soft edge, in face scales."""
LIFT = 0.6
"""Height of the tone curve at full strength, as in `whiten`: black pupils and white lights stay."""
CLEARED = 0.5
"""How much of the white's colour goes at full strength."""


def brighten_eyes(tone: Tone, canvas: Canvas, eye: Eye, value: float) -> None:
    """Each sample along the tone curve, so that the iris gains contrast against the pupil."""
    luma = canvas.planes[0]
    weight = canvas.ring(eye.ring, feather=FEATHER) * np.float32(value)
    tone.lift(weight, LIFT, canvas.luma_range)
    inside = luma[weight > 0.5 * value]
    if not inside.size:
        return
    dark, light = np.percentile(inside, (30, 80)).tolist()
    clear = weight * ramp(luma, dark, max(light, dark + 8)) * np.float32(CLEARED)
    tone.tint(clear, 128, 128)
