"""Pigment on skin: what most make-up is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.region import Grid
    from services.render.tone import Tone
    from shared.model.parameters import Colour


def stain(tone: Tone, canvas: Canvas, weight: Grid, colour: Colour, cover: float) -> None:
    """Lay a colour on the skin: its hue at `weight` (0..1), its brightness at `cover` of that.

    The brightness is shifted by what the colour lacks to the skin's own, so that light, shade and pores stay; no spot
    is shifted past the colour itself.
    """
    y, *chroma = canvas.paint(colour)
    shift = y - canvas.skin.tone[0]
    room = y - canvas.planes[0]
    bounded = np.clip(room, shift, 0) if shift < 0 else np.clip(room, 0, shift)
    tone.add(0, weight * np.float32(cover) * bounded)
    tone.tint(weight, *chroma)
