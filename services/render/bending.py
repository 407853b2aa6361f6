"""Draws what changes the shape of a face: one displacement field, one resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.effects import SHAPE_EFFECTS
from services.render.region import Region, size_of
from services.render.warp import Bumps, displacement, resample, unfolded

if TYPE_CHECKING:
    from services.render.region import Scratch
    from services.render.shape import FaceShape
    from shared.model.looks import Look
    from shared.model.pictures import Picture

WARP_CELLS = 48
"""A face's scale is at most so many cells of the grid for displacements, which are smooth."""


def bumps_of(shape: FaceShape, look: Look) -> Bumps | None:
    """All that a look bends a face by; None if nothing."""
    wanted = look.drawn
    parts = [draw(shape, getattr(look, name)) for name, draw in SHAPE_EFFECTS.items() if name in wanted]
    return Bumps.joined(parts) if parts else None


def bend(target: Picture, shape: FaceShape, bumps: Bumps, scratch: Scratch) -> None:
    """Bend one face of `target` in place."""
    size = size_of(target)
    region = Region.around(bumps.corners_px(), 0, shape.step(WARP_CELLS), size)
    if region is None:
        return
    field = unfolded(displacement(bumps, region), region.step)
    magnified = [part for corners in bumps.magnified_px() if (part := Region.around(corners, 0, region.step, size))]
    full, *halves = target.planes  # rgb24 has no halves
    moves = region.spread(field, 1, scratch, "moves")
    resample(moves, region.cut(full, 1), scratch, [region.part(part) for part in magnified])
    if halves:
        moves = region.spread(field * np.float32(0.5), 2, scratch, "moves")
    for half in halves:
        resample(moves, region.cut(half, 2), scratch)
