"""Whiten: lightens the skin and keeps its shading."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from services.render.region import Grid
    from services.render.skin import Skin
    from services.render.tone import Tone

LIFT = 0.45
"""Height of the tone curve at full strength: so many times (y - black)(white - y) / (white - black) is added."""
PALE = 0.12
"""How much of the skin's colour is taken away at full strength."""
WINDOW = 0.06
"""Half width of the window whose brightness says where on the curve a spot of skin is, in face scales."""


def whiten(tone: Tone, skin: Skin, strength: float) -> None:
    """Luma by a parabola that leaves black and white where they are, taken at the brightness around; colour paler.

    Taken at the brightness around, the curve lifts light and shade alike: features keep their contrast.
    """
    black, white = skin.luma_range
    weight = skin.tint * np.float32(strength)
    side = 2 * max(1, round(WINDOW * skin.scale)) + 1
    around = cast("Grid", cv2.blur(skin.planes[0], (side, side)))
    reach = LIFT / (white - black)
    lift = reach * (around - black) * (white - around)
    slope = reach * (white + black - 2 * around)
    tone.blend(0, weight, 1 + slope, lift - slope * around)
    for plane in (1, 2):
        tone.blend(plane, weight * np.float32(PALE), 0, 128)
