"""Whiten teeth: lightens the teeth where the mouth is open, and takes yellow out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import mean, ramp
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.tone import Tone

FEATHER = 0.01
"""Half width of the soft edge along the lips, in face scales."""
LIFT = 0.5
"""Height of the tone curve at full strength, as in `whiten`."""
CLEARED = 0.7
"""How much of their colour goes at full strength."""
LUMA = (0.3, 0.5)
"""Brightness at which teeth begin and are sure, between black and white."""
RED = (14.0, 5.0)
"""Cr above neutral at which a spot is gum or lip, and is surely tooth."""


def whiten_teeth(tone: Tone, canvas: Canvas, value: float) -> None:
    """Within the lips, what is light and not red."""
    black, white = canvas.luma_range
    luma, _, red = canvas.planes
    light = ramp(luma, *(black + share * (white - black) for share in LUMA))
    teeth = mean(light * ramp(red, *(128 + levels for levels in RED)), 1)
    weight = canvas.ring(Part.MOUTH, feather=FEATHER) * teeth * np.float32(value)
    tone.lift(weight, LIFT, canvas.luma_range)
    tone.tint(weight * np.float32(CLEARED), 128, 128)
