"""Draws a look on a picture that lies on a card: `drawing.Painter` there, for what has a CUDA form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.bending import WARP_CELLS, Bending
from services.render.cuda.bending import CardBending
from services.render.cuda.colouring import CardColours
from services.render.cuda.layers import layered
from services.render.drawing import shapes_of
from services.render.effects import SHAPE_EFFECTS
from services.render.moment import BEGINNING
from services.render.recipe import COLOURS
from services.render.region import Region
from shared.model.looks import Look
from shared.model.needs import refuse_unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.render.moment import Moment
    from services.render.shape import FaceShape
    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.model.assets import Prepared
    from shared.model.faces import Face, Layout

FORMS = frozenset((*SHAPE_EFFECTS, *COLOURS))
"""Effects that have a CUDA form."""


def why_not(look: Look) -> str:
    """Why a look cannot be drawn on a card, as half a sentence; empty if it can."""
    missing = [name for name in look.drawn if name not in FORMS]
    return f"{' and '.join(missing)} cannot be drawn on a card" if missing else ""


class CardPlan:
    """What is to be done for one look, worked out once for all frames."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.carried: set[Layout] = set()
        """Layouts of faces that are known to have all that it is drawn by."""
        self.bending = CardBending(look)
        self._host_bending = Bending(look)

    def reach(self, shape: FaceShape, picture: CardPicture) -> Region | None:
        """All pixels that may be changed for a face; None where there are none."""
        corners = [region for region in self._regions(shape, picture) if region is not None]
        if not corners:
            return None
        x0, y0 = min(one.x0 for one in corners), min(one.y0 for one in corners)
        return Region(x0, y0, max(one.x1 for one in corners), max(one.y1 for one in corners), 2)

    def _regions(self, shape: FaceShape, picture: CardPicture) -> list[Region | None]:
        size = (picture.geometry.width, picture.geometry.height)
        bumps = self._host_bending.bumps(shape)
        bent = None if bumps is None else Region.around(bumps.corners_px(), 0, shape.step(WARP_CELLS), size)
        return [bent]


class CardPainter:
    """Draws one frame at a time, on one card."""

    def __init__(self, device: Device, assets: Mapping[str, Prepared] | None = None) -> None:
        """assets: what looks refer to, by id; not to be changed meanwhile."""
        self._device = device
        self._colours = CardColours(assets or {})
        self._plan = CardPlan(Look())

    def draw(self, target: CardPicture, faces: Sequence[Face], look: Look, moment: Moment = BEGINNING) -> None:
        """Draw a look of which `why_not` says nothing on `target` (nv12) in place, as `Painter.draw` does.

        It does not wait for the card. Raises Rejected as `Painter.draw` does.
        """
        if self._plan.look is not look:
            self._plan = CardPlan(look)
        plan = self._plan
        for layout in {face.layout for face in faces} - plan.carried:
            refuse_unsupported(look, layout)
            plan.carried.add(layout)
        shapes = sorted(shapes_of(faces), key=lambda shape: shape.scale_px)
        for together in self._layers(shapes, target):
            plan.bending.draw(target, together, self._device)
        self._colours.draw(target, look, self._device)

    def _layers(self, shapes: list[FaceShape], target: CardPicture) -> list[list[FaceShape]]:
        """The shapes in groups to be drawn one after the other: what overlaps is drawn in the order of its faces."""
        if len(shapes) < 2:
            return [shapes] if shapes else []
        reached = [(shape, reach) for shape in shapes if (reach := self._plan.reach(shape, target)) is not None]
        return [[reached[at][0] for at in layer] for layer in layered([reach for _, reach in reached])]
