"""Draws a look on the faces of a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from services.render.effects import GEOMETRY_EFFECTS, TONE_EFFECTS
from services.render.patch import opened, read
from services.render.region import Region, Scratch
from services.render.shape import FaceShape
from services.render.skin import FEATHER, Skin, find_skin
from services.render.tone import Tone, hold_range
from services.render.warp import Bumps, displacement, resample
from shared.model.looks import refuse_unsupported
from shared.model.parts import Part
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.faces import Face
    from shared.model.looks import Look
    from shared.model.pictures import Picture

TONE_CELLS = 128
"""A face's scale is at most so many cells of the working grid for tone, however large it is in the picture."""
WARP_CELLS = 48
"""The same for displacements, which are smoother."""


class Painter:
    """Draws faces one after another in memory that is used again; one frame at a time."""

    def __init__(self) -> None:
        self._scratch = Scratch()

    def draw(self, source: Picture, target: Picture, faces: Sequence[Face], look: Look) -> None:
        """Draw the faces of `source` on `target` in place, around each face and nowhere else.

        source: i420 or rgb24, only read. target: of the same geometry, a copy of source to begin with. Faces are drawn
        from the smallest to the largest, as the nearest hides the others. A face whose landmarks span none (not
        finite, or only a dozen pixels) is left as it is.
        Raises Rejected `unsupported-look` where the faces' layout lacks a part that the look is drawn by.
        """
        if look.invisible:
            return
        for layout in {face.layout for face in faces}:
            refuse_unsupported(look, layout)
        shapes = [shape for face in faces if (shape := FaceShape.of(face)) is not None]
        for shape in sorted(shapes, key=lambda shape: shape.scale_px):
            self._tone(source, target, shape, look)
            self._warp(target, shape, look)

    def _tone(self, source: Picture, target: Picture, shape: FaceShape, look: Look) -> None:
        strengths = {name: strength for name in TONE_EFFECTS if (strength := getattr(look, name))}
        step = _step(shape, TONE_CELLS)
        margin = FEATHER * shape.scale_px + 2 * step
        if not strengths or (region := Region.around(shape.part(Part.OVAL), margin, step, _size(target))) is None:
            return
        skin, tone = _skin(source, shape, region), Tone()
        for name, strength in strengths.items():
            TONE_EFFECTS[name](tone, skin, strength)
        with opened(target, region) as patch:
            before = patch.y.copy()
            tone.apply(0, patch.y, region, 1, self._scratch)
            tone.apply(1, patch.cb, region, patch.subsampling, self._scratch)
            tone.apply(2, patch.cr, region, patch.subsampling, self._scratch)
            hold_range(before, patch.y, skin.luma_range)

    def _warp(self, target: Picture, shape: FaceShape, look: Look) -> None:
        parts = [draw(shape, s) for name, draw in GEOMETRY_EFFECTS.items() if (s := getattr(look, name))]
        if not parts:
            return
        bumps, size = Bumps.joined(parts), _size(target)
        region = Region.around(bumps.corners_px(), 0, _step(shape, WARP_CELLS), size)
        if region is None:
            return
        field = displacement(bumps, region)
        magnified = [part for corners in bumps.magnified_px() if (part := Region.around(corners, 0, region.step, size))]
        full, *halves = target.planes  # rgb24 has no halves
        moves = region.spread(field, 1, self._scratch, "moves")
        resample(moves, region.cut(full, 1), [region.part(part) for part in magnified])
        if halves:
            moves = region.spread(field * np.float32(0.5), 2, self._scratch, "moves")
        for half in halves:
            resample(moves, region.cut(half, 2))


def _skin(source: Picture, shape: FaceShape, region: Region) -> Skin:
    patch = read(source, region)
    y = region.gather(patch.y, 1)
    cb, cr = (region.gather(samples, patch.subsampling) for samples in (patch.cb, patch.cr))
    limited = source.geometry.format is PixelFormat.I420 and not source.colour.full_range
    return find_skin(shape, region, (y, cb, cr), (16, 235) if limited else (0, 255))


def _step(shape: FaceShape, cells: int) -> int:
    """Pixels along a cell, so that the face's scale is at most `cells` of them: a power of two, 2 or more."""
    return 1 << max(1, math.ceil(math.log2(shape.scale_px / cells)))


def _size(picture: Picture) -> tuple[int, int]:
    return picture.geometry.width, picture.geometry.height
