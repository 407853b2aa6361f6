"""Draws a look on a picture that lies on a card: `drawing.Painter` there, for what has a CUDA form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.bending import WARP_CELLS, Bending
from services.render.cuda import background, bending, colouring, draping, hiding, looking, stickers, texture, toning
from services.render.cuda.background import CardBackdrops
from services.render.cuda.bending import CardBending
from services.render.cuda.colouring import CardColours
from services.render.cuda.hiding import CardHiding
from services.render.cuda.layers import layered
from services.render.cuda.paints import CardPaints
from services.render.cuda.stickers import CardStickers
from services.render.cuda.texture import CardTexture
from services.render.cuda.toning import CardToning
from services.render.drawing import shapes_of
from services.render.effects import EYE_EFFECTS, FACE_EFFECTS, MOUTH_EFFECTS, PRIVACY_EFFECTS, SHAPE_EFFECTS
from services.render.eyes import EYES
from services.render.head import heads_of
from services.render.moment import BEGINNING
from services.render.recipe import COLOURS
from services.render.region import Region
from services.render.toning import FACE, MOUTH, of_eye, region_of
from shared.model.looks import Look
from shared.model.needs import refuse_opaque, refuse_unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from services.render.bumps import Bumps
    from services.render.moment import Moment
    from services.render.shape import FaceShape
    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.model.assets import Prepared
    from shared.model.faces import Face, Layout

TONES = frozenset((*FACE_EFFECTS, *EYE_EFFECTS, *MOUTH_EFFECTS))
FORMS = TONES.union(SHAPE_EFFECTS, COLOURS, PRIVACY_EFFECTS, {"background", "texture", "stickers"})
"""Effects that have a CUDA form."""


def why_not(look: Look) -> str:
    """Why a look cannot be drawn on a card, as half a sentence; empty if it can."""
    missing = [name for name in look.drawn if name not in FORMS]
    return f"{' and '.join(missing)} cannot be drawn on a card" if missing else ""


def warm(device: Device) -> None:
    """Have all kernels compiled: a frame is not to wait for that. Raises Misconfigured where one cannot be."""
    for module in (background, bending, colouring, hiding, looking):
        device.kernels(module.SOURCE)
    for module in (draping, stickers, texture, toning):
        device.kernels(module.SOURCE, toning.INCLUDED)


class CardPlan:
    """What is to be done for one look, worked out once for all frames."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.hides_faces = look.hides_faces
        self.is_coloured = not set(look.drawn).isdisjoint(COLOURS)
        self.carried: set[Layout] = set()
        """Layouts of faces that are known to have all that it is drawn by."""
        self.toning = CardToning(look)
        self.bending = CardBending(look)
        self._bumps = Bending(look)
        wanted = TONES.intersection(look.drawn)
        places = ((EYE_EFFECTS, tuple(map(of_eye, EYES))), (MOUTH_EFFECTS, (MOUTH,)))
        self._places = [FACE, *(one for names, some in places if wanted.intersection(names) for one in some)]
        kinds = (TONES, SHAPE_EFFECTS, {"texture"}, {"stickers"})
        self._mixes = sum(any(name in kind for name in look.drawn) for kind in kinds) > 1

    def layers(
        self,
        shapes: list[FaceShape],
        target: CardPicture,
        laid: Callable[[FaceShape, Bumps | None], list[Region | None]],
    ) -> list[list[FaceShape]]:
        """The shapes in groups to be drawn one after the other.

        A face that overlaps a smaller one comes when that is toned, bent and has its texture and stickers; each of
        these among themselves keep the order of the shapes. laid: where what is laid on a face may show, by its bumps.
        """
        if len(shapes) < 2 or not self._mixes:
            return [shapes] if shapes else []
        reached: list[tuple[FaceShape, Region]] = []
        for shape in shapes:
            bumps = self._bumps.bumps(shape)
            if (reach := self._reach(shape, target, bumps, laid(shape, bumps))) is not None:
                reached.append((shape, reach))
        return [[reached[at][0] for at in layer] for layer in layered([reach for _, reach in reached])]

    def _reach(
        self, shape: FaceShape, target: CardPicture, bumps: Bumps | None, laid: list[Region | None]
    ) -> Region | None:
        """All pixels that a face is drawn by; None where there are none."""
        size = (target.geometry.width, target.geometry.height)
        regions = [*laid, *(region_of(target, shape, place) for place in self._places)]
        if bumps is not None:
            regions.append(Region.around(bumps.corners_px(), 0, shape.step(WARP_CELLS), size))
        there = [region for region in regions if region is not None]
        if not there:
            return None
        x0, y0 = min(one.x0 for one in there), min(one.y0 for one in there)
        return Region(x0, y0, max(one.x1 for one in there), max(one.y1 for one in there), 2)


class CardPainter:
    """Draws one frame at a time, on one card."""

    def __init__(self, device: Device, assets: Mapping[str, Prepared] | None = None) -> None:
        """assets: what looks refer to, by id; not to be changed meanwhile."""
        self._device = device
        self._backdrops, self._colours, self._hiding = (
            CardBackdrops(assets or {}),
            CardColours(assets or {}),
            CardHiding(),
        )
        paints = CardPaints(assets or {}, device)
        self._texture, self._stickers = CardTexture(paints), CardStickers(paints)
        self._plan = CardPlan(Look())

    def draw(self, target: CardPicture, faces: Sequence[Face], look: Look, moment: Moment = BEGINNING) -> None:
        """Draw a look of which `why_not` says nothing on `target` (nv12) in place, as `Painter.draw` does.

        It does not wait for the card. Raises Rejected as `Painter.draw` does.
        """
        if self._plan.look is not look:
            self._plan = CardPlan(look)
        plan = self._plan
        refuse_opaque(look, keeps_alpha=False)
        for layout in {face.layout for face in faces} - plan.carried:
            refuse_unsupported(look, layout)
            plan.carried.add(layout)
        if look.background is not None:
            self._backdrops.draw(target, shapes_of(moment.faces or faces), look, moment, self._device)
        self._draw_faces(target, sorted(shapes_of(faces), key=lambda shape: shape.scale_px), moment)
        if plan.is_coloured:
            self._colours.draw(target, look, self._device)
        if plan.hides_faces:
            heads = heads_of(faces) if moment.heads is None else moment.heads
            self._hiding.draw(target, heads, look, self._device)

    def _draw_faces(self, target: CardPicture, shapes: list[FaceShape], moment: Moment) -> None:
        plan, look, device = self._plan, self._plan.look, self._device

        def laid(shape: FaceShape, bumps: Bumps | None) -> list[Region | None]:
            return [
                self._texture.reach(target, shape, look),
                self._stickers.reach(target, shape, bumps, look, moment),
            ]

        for together in plan.layers(shapes, target, laid):
            plan.toning.draw(target, together, device)
            self._texture.draw(target, together, look, device)
            bent = plan.bending.draw(target, together, device)
            self._stickers.draw(target, together, bent, look, moment, device)
