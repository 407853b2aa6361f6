"""Eyeliner: a line along the lashes, with a short wing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import feathered, stroked

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.eyes import Eye
    from services.render.tone import Tone
    from shared.model.effects import Eyeliner

WIDTH = 0.012
"""Of the line, in face scales."""
WING = 0.2
"""Length of the wing, in widths of the eye."""
RISE = 0.45
"""How far the wing rises, as a part of its length."""
MOST = 0.9


def eyeliner(tone: Tone, canvas: Canvas, eye: Eye, value: Eyeliner) -> None:
    """On the upper lashes from the inner corner outwards, growing thicker, and a little beyond the outer corner."""
    lid = canvas.cells_of(eye.upper_lid)
    outer, inner = canvas.cells_of(eye.corners)
    along, up = outer - inner, canvas.cells_of(eye.brow).mean(axis=0) - lid.mean(axis=0)
    up *= np.float32(np.linalg.norm(along) / max(float(np.linalg.norm(up)), 1e-3))
    tip = outer + np.float32(WING) * (along + np.float32(RISE) * up) / np.float32(np.hypot(1, RISE))
    width = WIDTH * canvas.scale
    line = np.concatenate([tip[None], (lid[:1] + lid[1:2]) / 2, lid[1:]])  # past the corner, where it would bend
    thick = stroked(canvas.region.cells, line[: len(line) * 2 // 3 + 1], width)
    thin = stroked(canvas.region.cells, line, 0.6 * width)
    weight = feathered(np.maximum(thick, thin), 0.004 * canvas.scale) * np.float32(MOST * value.amount)
    for plane, level in enumerate(canvas.paint(value.color)):
        tone.towards(plane, weight, level)
