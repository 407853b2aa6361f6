"""Draws what changes the tone of a face: once over the whole face, then finer over each eye and the mouth."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from services.render.canvas import Canvas
from services.render.effects import EYE_EFFECTS, FACE_EFFECTS, MOUTH_EFFECTS
from services.render.eyes import EYES
from services.render.patch import opened
from services.render.region import Region, size_of
from services.render.skin import FEATHER, bare_skin
from services.render.tone import Tone
from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.render.eyes import Eye
    from services.render.region import Scratch
    from services.render.shape import FaceShape
    from shared.cuda.pictures import CardPicture
    from shared.model.looks import Look
    from shared.model.pictures import Picture

    Draw = Callable[[Tone, Canvas], None]


class Extent(NamedTuple):
    """A part of the face that is drawn on a grid of its own."""

    parts: tuple[Part, ...]
    margin: float
    """Around the parts, in face scales; SPARE_CELLS are added."""
    cells: int
    """The face's scale is at most so many cells of the grid, however large it is in the picture."""


SPARE_CELLS = 4
"""A soft edge may end half a cell later by rounding, half by its smooth line, one by calming, one by the way back to
full size: nothing is drawn along the border."""
FACE = Extent((Part.OVAL,), FEATHER, 128)
MOUTH = Extent((Part.LIPS,), 0.05, 320)
"""The edges of lips and eyes are seen, those of skin are soft."""
_EYE_MARGIN = 0.09


def of_eye(eye: Eye) -> Extent:
    """One eye with its brow."""
    return Extent((eye.ring, eye.brow), _EYE_MARGIN, MOUTH.cells)


class Toning:
    """The tone effects of one look, sorted by where they are drawn."""

    def __init__(self, look: Look) -> None:
        extents = [(of_eye(eye), _chosen(EYE_EFFECTS, look, eye=eye)) for eye in EYES]
        passes = [(FACE, _chosen(FACE_EFFECTS, look)), *extents, (MOUTH, _chosen(MOUTH_EFFECTS, look))]
        self._passes = [(extent, draws) for extent, draws in passes if draws]

    def draw(self, target: Picture, shape: FaceShape, scratch: Scratch) -> None:
        """Draw them on one face of `target` in place."""
        if not self._passes:
            return
        bare = bare_skin(target, shape)  # of the face as it came: what is drawn later goes by the same skin
        for extent, draws in self._passes:
            region = region_of(target, shape, extent)
            if region is None:
                continue
            with opened(target, region) as patch:
                canvas = Canvas(shape, region, patch, bare)
                tone = Tone(canvas.planes)
                for draw in draws:
                    draw(tone, canvas)
                tone.apply(patch, region, scratch)


def _chosen(effects: Mapping[str, Callable[..., None]], look: Look, **more: Any) -> list[Draw]:
    wanted = look.drawn
    return [partial(draw, value=getattr(look, name), **more) for name, draw in effects.items() if name in wanted]


def region_of(target: Picture | CardPicture, shape: FaceShape, extent: Extent) -> Region | None:
    """The part of a picture that an extent of a face is drawn in; None where it lies off the picture."""
    step = shape.step(extent.cells)
    parts = [shape.part(part) for part in extent.parts]
    points = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return Region.around(points, extent.margin * shape.scale_px + SPARE_CELLS * step, step, size_of(target))
