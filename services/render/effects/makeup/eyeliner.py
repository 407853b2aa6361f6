"""Eyeliner: a line along the lashes, with a short wing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import feathered, stroked

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.eyes import Eye
    from services.render.masks import Points
    from services.render.tone import Tone
    from shared.model.effects import Eyeliner

WIDTH = 0.012
"""Of the line, in face scales."""
WING = 0.2
"""Length of the wing, in widths of the eye."""
RISE = 0.45
"""How far the wing rises, as a part of its length."""
FEATHER = 0.004
"""Half width of the soft edge, in face scales."""
THINNER = 0.6
"""Of its width the line has so much at the inner corner."""
MOST = 0.9


def eyeliner(tone: Tone, canvas: Canvas, eye: Eye, value: Eyeliner) -> None:
    """On the upper lashes from the inner corner outwards, growing thicker, and a little beyond the outer corner."""
    line = lash_line(*(canvas.cells_of(part) for part in (eye.upper_lid, eye.corners, eye.brow)))
    width = WIDTH * canvas.scale
    thick = stroked(canvas.region.cells, line[: thicker(len(line))], width)
    thin = stroked(canvas.region.cells, line, THINNER * width)
    weight = feathered(np.maximum(thick, thin), FEATHER * canvas.scale) * np.float32(MOST * value.amount)
    for plane, level in enumerate(canvas.paint(value.color)):
        tone.towards(plane, weight, level)


def lash_line(lid: Points, corners: Points, brow: Points) -> Points:
    """[n, 2]: from the tip of the wing to the inner corner, in whichever unit the parts of the eye are given."""
    outer, inner = corners
    along, up = outer - inner, brow.mean(axis=0) - lid.mean(axis=0)
    up *= np.float32(np.linalg.norm(along) / max(float(np.linalg.norm(up)), 1e-3))
    tip = outer + np.float32(WING) * (along + np.float32(RISE) * up) / np.float32(np.hypot(1, RISE))
    return np.concatenate([tip[None], (lid[:1] + lid[1:2]) / 2, lid[1:]])  # past the corner, where it would bend


def thicker(points: int) -> int:
    """Along how many of its points, from the tip on, the line has its full width."""
    return points * 2 // 3 + 1
