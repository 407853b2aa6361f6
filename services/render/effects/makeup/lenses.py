"""Lenses: colours both irises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import mean, ramp

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.eyes import Eye
    from services.render.region import Grid
    from services.render.tone import Tone
    from shared.model.effects import Lenses

RADIUS = 0.205
"""Of an iris, in widths of its eye: 11.7 mm across (Rüfer et al. 2005) in some 28.5 mm from corner to corner."""
PUPIL = 0.38
"""Of an iris' radius, where it is seen at all."""
SEEN_PX = (2.0, 4.5)
"""Radius at which an iris begins to be told from what is around it, and at which it is."""
SOUGHT = (2.2, 1.6)
"""Distances from the eye's centre, in radii, at which an iris is no more sought, and within which it is."""
DISC = (1.08, 0.86)
"""Where the soft edge of what is coloured ends and begins, in radii."""
PUPIL_EDGE = 0.12
"""Half width of the soft edge of the pupil, in radii."""
LIGHTS = (0.75, 0.5)
"""Brightness, between black and white, from which on it is a light on the eye, and up to which it is none."""
FEATHER = 0.006
"""Half width of the soft edge along the lids, in face scales."""
TINT, COVER = 0.75, 0.5
"""How far colour and brightness go at full amount."""


def lenses(tone: Tone, canvas: Canvas, eye: Eye, value: Lenses) -> None:
    """A ring around the pupil within the lids; lights on the eye stay."""
    outer, inner = canvas.cells_of(eye.corners)
    radius = RADIUS * max(float(np.linalg.norm(outer - inner)), 1.0)
    open_eye = canvas.ring(eye.ring, feather=FEATHER)
    away = _distance(canvas, _iris(canvas, open_eye, radius, canvas.cells_of(eye.centre)[0])) / np.float32(radius)
    seen = float(np.interp(radius * canvas.region.step, SEEN_PX, (0, 1)))
    pupil = PUPIL * seen
    disc = ramp(away, *DISC) * ramp(away, pupil - PUPIL_EDGE, pupil + PUPIL_EDGE)
    luma = canvas.planes[0]
    black, white = canvas.luma_range
    no_light = ramp(luma, *(black + share * (white - black) for share in LIGHTS))
    weight = disc * open_eye * no_light * np.float32(seen * value.amount)
    y, *chroma = canvas.paint(value.color)
    around = mean(luma, max(1, round(radius / 2)))
    tone.add(0, weight * np.float32(COVER) * (y - around))
    tone.tint(weight * np.float32(TINT), *chroma)


def _distance(canvas: Canvas, centre: Grid) -> Grid:
    rows, columns = np.indices(canvas.region.cells, np.float32)
    return np.asarray(np.hypot(columns - centre[0], rows - centre[1]), np.float32)


def _iris(canvas: Canvas, open_eye: Grid, radius: float, centre: Grid) -> Grid:
    """[2] x, y: the middle of what is dark in the open eye, not far from its centre, as the eye looks about."""
    luma = canvas.planes[0]
    inside = luma[open_eye > 0.5]
    if inside.size < 8:
        return centre
    low, high = np.percentile(inside, (10, 60)).tolist()
    dark = ramp(luma, max(high, low + 1), low) * open_eye
    dark *= ramp(_distance(canvas, centre), *(share * radius for share in SOUGHT))
    rows, columns = np.indices(canvas.region.cells, np.float32)
    whole = float(dark.sum())
    if whole < 1:
        return centre
    found = np.array([float((columns * dark).sum()), float((rows * dark).sum())], np.float32) / np.float32(whole)
    return np.asarray(found, np.float32)
