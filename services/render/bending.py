"""Draws what changes the shape of a face: one displacement field, one resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from services.render.effects import SHAPE_EFFECTS
from services.render.premultiplied import premultiplied
from services.render.region import Region, size_of
from services.render.warp import displacement, most_open, resample

if TYPE_CHECKING:
    from services.render.region import Scratch
    from services.render.shape import FaceShape
    from shared.model.looks import Look
    from shared.model.pictures import Picture

WARP_CELLS = 48
"""A face's scale is at most so many cells of the grid for displacements, which are smooth."""


class Bending:
    """The shape effects of one look."""

    def __init__(self, look: Look) -> None:
        wanted = look.drawn
        self._effects = [(draw, getattr(look, name)) for name, draw in SHAPE_EFFECTS.items() if name in wanted]

    def bumps(self, shape: FaceShape) -> Bumps | None:
        """All that the look bends a face by; None if nothing."""
        return Bumps.joined([draw(shape, value) for draw, value in self._effects]) if self._effects else None


def bend(target: Picture, shape: FaceShape, bumps: Bumps, scratch: Scratch) -> Bumps:
    """Bend one face of `target` in place; answers the bumps as they were drawn, weakened where they would fold it."""
    size = size_of(target)
    region = Region.around(bumps.corners_px(), 0, shape.step(WARP_CELLS), size)
    if region is None:
        return bumps
    field = displacement(bumps, region)
    if (times := most_open(field, region.step)) < 1:
        bumps, field = bumps.times(times), field * np.float32(times)
    magnified = [part for corners in bumps.magnified_px() if (part := Region.around(corners, 0, region.step, size))]
    whence, sharp = region.whence(field, 1, scratch), [region.part(part) for part in magnified]
    full, *halves = target.planes  # rgb24 has no halves
    if target.alpha is None:
        resample(whence, region.cut(full, 1), scratch, sharp)
    else:
        with premultiplied(target, region) as planes:
            for plane in planes:
                resample(whence, plane, scratch, sharp)
    if halves:
        whence = region.whence(field, 2, scratch)
    for half in halves:
        resample(whence, region.cut(half, 2), scratch)
    return bumps
