"""Draws what changes the tone of a face: once over the whole face, then finer over each eye and the mouth."""

from __future__ import annotations

from functools import cached_property, partial
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
    from collections.abc import Callable, Mapping, Sequence

    from services.render.region import Scratch
    from services.render.shape import FaceShape
    from services.render.skin import Samples
    from shared.model.looks import Look
    from shared.model.pictures import Picture

    Draw = Callable[[Tone, Canvas], None]


class Extent(NamedTuple):
    """A part of the face that is drawn on a grid of its own."""

    parts: tuple[Part, ...]
    margin: float
    """Around the parts, in face scales; two cells are added, so that nothing is drawn in the last one."""
    cells: int
    """The face's scale is at most so many cells of the grid, however large it is in the picture."""


FACE = Extent((Part.OVAL,), FEATHER, 128)
MOUTH = Extent((Part.LIPS,), 0.05, 320)
"""The edges of lips and eyes are seen, those of skin are soft."""
_EYE_MARGIN = 0.09


def draw_tone(target: Picture, shape: FaceShape, look: Look, scratch: Scratch) -> None:
    """Draw all tone effects of a look on one face of `target` in place."""
    drawing = _Drawing(target, shape, scratch)
    drawing.over(FACE, _chosen(FACE_EFFECTS, look))
    for eye in EYES:
        drawing.over(Extent((eye.ring, eye.brow), _EYE_MARGIN, MOUTH.cells), _chosen(EYE_EFFECTS, look, eye=eye))
    drawing.over(MOUTH, _chosen(MOUTH_EFFECTS, look))


def _chosen(effects: Mapping[str, Callable[..., None]], look: Look, **more: Any) -> list[Draw]:
    wanted = look.drawn
    return [partial(draw, value=getattr(look, name), **more) for name, draw in effects.items() if name in wanted]


class _Drawing:
    """One face while its tones are drawn."""

    def __init__(self, target: Picture, shape: FaceShape, scratch: Scratch) -> None:
        self._target = target
        self._shape = shape
        self._scratch = scratch

    @cached_property
    def _bare(self) -> Samples:
        # Of the face as it came: what is drawn later goes by the same skin.
        return bare_skin(self._target, self._shape)

    def over(self, extent: Extent, draws: Sequence[Draw]) -> None:
        """Draw on one extent of the face, as it is by now."""
        if not draws or (region := self._region(extent)) is None:
            return
        with opened(self._target, region) as patch:
            canvas, tone = Canvas(self._shape, region, patch, self._bare), Tone()
            for draw in draws:
                draw(tone, canvas)
            tone.apply(patch, region, self._scratch)

    def _region(self, extent: Extent) -> Region | None:
        step = self._shape.step(extent.cells)
        points = np.concatenate([self._shape.part(part) for part in extent.parts])
        return Region.around(points, extent.margin * self._shape.scale_px + 2 * step, step, size_of(self._target))
