"""Draws a look on a picture: the whole of what render does to pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.bending import bend, bumps_of
from services.render.colouring import Colouring
from services.render.effects.frame.background import Backdrops
from services.render.moment import BEGINNING
from services.render.region import Scratch
from services.render.shape import FaceShape
from services.render.toning import draw_tone
from shared.model.needs import refuse_opaque, refuse_unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.render.moment import Moment
    from shared.model.assets import Prepared
    from shared.model.faces import Face
    from shared.model.looks import Look
    from shared.model.pictures import Picture


class Painter:
    """Draws one frame at a time, in memory that is used again."""

    def __init__(self, assets: Mapping[str, Prepared] | None = None) -> None:
        """assets: what looks refer to, by id; they must not change while the painter is used."""
        self._scratch = Scratch()
        self._backdrops = Backdrops(assets or {})
        self._colouring = Colouring(assets or {})

    def draw(self, target: Picture, faces: Sequence[Face], look: Look, moment: Moment = BEGINNING) -> None:
        """Draw a look on `target` in place.

        target: i420 or rgb24. Faces are drawn from the smallest to the largest, as the nearest hides the others. A
        face whose landmarks span none (not finite, or only a dozen pixels) is left as it is.
        A frame whose people nobody has told apart keeps its background.
        Raises Rejected: `unsupported-look` where the faces' layout lacks a part that the look is drawn by, or where a
        transparent background is asked of a target without alpha; `unknown-asset` and `invalid-look` where an asset of
        the look is not there or not what it should be.
        """
        if look.invisible:
            return
        refuse_opaque(look, keeps_alpha=target.alpha is not None)
        for layout in {face.layout for face in faces}:
            refuse_unsupported(look, layout)
        shapes = [shape for face in faces if (shape := FaceShape.of(face)) is not None]
        self._backdrops.draw(target, shapes, look, moment, self._scratch)
        for shape in chosen(sorted(shapes, key=lambda shape: shape.scale_px), look):
            draw_tone(target, shape, look, self._scratch)
            if (bumps := bumps_of(shape, look)) is not None:
                bend(target, shape, bumps, self._scratch)
        self._colouring.draw(target, look, self._scratch)


def chosen(shapes: Sequence[FaceShape], look: Look) -> Sequence[FaceShape]:
    """Those that the look is for; shapes: the largest last."""
    if look.faces == "all":
        return shapes
    if look.faces == "largest":
        return shapes[-1:]
    return [shape for shape in shapes if shape.track in look.faces]
