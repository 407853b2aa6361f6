"""Draws a look on a picture: the whole of what render does to pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.bending import Bending, bend
from services.render.colouring import Colouring
from services.render.effects.frame.background import Backdrops
from services.render.effects.overlay.stickers import Wearer, draw_stickers
from services.render.effects.overlay.texture import draw_texture
from services.render.head import heads_of
from services.render.hiding import hide
from services.render.moment import BEGINNING
from services.render.own.painting import OwnPainter
from services.render.paints import Paints
from services.render.region import Scratch
from services.render.shape import FaceShape
from services.render.toning import Toning
from shared.model.looks import Look
from shared.model.needs import refuse_opaque, refuse_unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.render.moment import Moment
    from shared.model.assets import Prepared
    from shared.model.faces import Face, Layout
    from shared.model.pictures import Picture


class Plan:
    """What is to be done for one look, worked out once for all frames."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.hides_faces = look.hides_faces
        self.carried: set[Layout] = set()
        """Layouts of faces that are known to have all that it is drawn by."""
        self.toning = Toning(look)
        self.bending = Bending(look)


class Painter:
    """Draws one frame at a time, in memory that is used again."""

    def __init__(self, assets: Mapping[str, Prepared] | None = None, own: OwnPainter | None = None) -> None:
        """assets: what looks refer to, by id; not to be changed meanwhile. own: effects of others; None: none."""
        self.assets = assets or {}
        """What looks refer to, by id."""
        self._scratch = Scratch()
        self._plan = Plan(Look())
        self._paints = Paints(self.assets)
        self._own = own or OwnPainter()
        self._backdrops = Backdrops(self.assets)
        self._colouring = Colouring(self.assets)

    def draw(self, target: Picture, faces: Sequence[Face], look: Look, moment: Moment = BEGINNING) -> None:
        """Draw a look on `target` in place.

        target: i420 or rgb24. faces: those that the look is for (see `choosing`). They are drawn from the smallest to
        the largest, as the nearest hides the others. A face whose landmarks span none (not finite, or only a dozen
        pixels) is not drawn on. A frame whose people nobody has told apart keeps its background.
        Raises Rejected: `unsupported-look` where the faces' layout lacks a part that the look is drawn by, or where a
        transparent background is asked of a target without alpha; `unknown-asset` and `invalid-look` where an asset of
        the look is not there or not what it should be, and `invalid-look` for an effect of somebody's own that is not
        here.
        """
        if self._plan.look is not look:
            self._plan = Plan(look)
        refuse_opaque(look, keeps_alpha=target.alpha is not None)
        self._refuse_unsupported({face.layout for face in faces})
        if look.background is not None:
            self._backdrops.draw(target, shapes_of(moment.faces or faces), look, moment, self._scratch)
        for shape in sorted(shapes_of(faces), key=lambda shape: shape.scale_px):
            self._draw(target, shape, moment)
        self._colouring.draw(target, look, self._scratch)
        if self._plan.hides_faces:
            hide(target, heads_of(faces) if moment.heads is None else moment.heads, look, self._scratch)

    def _refuse_unsupported(self, layouts: set[Layout]) -> None:
        for layout in layouts - self._plan.carried:
            refuse_unsupported(self._plan.look, layout)
            self._own.refuse_unsupported(self._plan.look, layout)
            self._plan.carried.add(layout)

    def _draw(self, target: Picture, shape: FaceShape, moment: Moment) -> None:
        look = self._plan.look
        self._plan.toning.draw(target, shape, self._scratch)
        self._own.draw(target, shape, look, moment.seconds)
        draw_texture(target, shape, look, self._paints, self._scratch)
        if (bumps := self._plan.bending.bumps(shape)) is not None:
            bumps = bend(target, shape, bumps, self._scratch)
        draw_stickers(target, Wearer(shape, bumps, moment), look, self._paints, self._scratch)


def shapes_of(faces: Sequence[Face]) -> list[FaceShape]:
    """Those of the faces whose landmarks span one."""
    return [shape for face in faces if (shape := FaceShape.of(face)) is not None]
