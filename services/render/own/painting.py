"""Draws effects of others on one face: each gets a copy of its region, and only what came out well is taken."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from services.render.own.effects import NONE
from services.render.own.performing import Fault, perform
from services.render.own.views import Views, region_of
from services.render.patch import opened_rgb

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.own.effects import OwnEffects
    from services.render.shape import FaceShape
    from shared.model.faces import Layout
    from shared.model.looks import Look
    from shared.model.pictures import Picture

    Tell = Callable[["Performance"], None]


class Performance(NamedTuple):
    """One effect was drawn on one face, or was not."""

    effect: str
    seconds: float
    fault: str = ""
    """Why it was not; empty if it was."""


def _tell_nobody(_: Performance) -> None: ...


class OwnPainter:
    """Draws what a look has of others' effects, in the order in which it names them."""

    def __init__(self, effects: OwnEffects = NONE, tell: Tell = _tell_nobody) -> None:
        """tell: is told of every performance."""
        self._effects = effects
        self._tell = tell

    def refuse_unsupported(self, look: Look, layout: Layout) -> None:
        """Raise Rejected: `invalid-look` for what is not here, `unsupported-look` for what this layout is not for."""
        self._effects.refuse_unknown(look)
        self._effects.refuse_unsupported(look, layout)

    def draw(self, target: Picture, shape: FaceShape, look: Look, seconds: float) -> None:
        """Draw on one face of `target` in place. seconds: when the frame is shown.

        Whatever an effect does, it changes nothing beyond the face's region and no pixel that it leaves as it is; an
        effect that fails leaves all of them.
        """
        wanted = [(self._effects.by_name[name], values) for name, values in look.own.items()]
        wanted = [(own, values) for own, values in wanted if own.draws(values)]
        region = region_of(shape, target) if wanted else None
        if region is None:
            return
        views = Views(target, shape, region, seconds)
        with opened_rgb(target, region) as pixels:
            drawn = pixels
            for own, values in wanted:
                view, started, fault = views.of(drawn), time.perf_counter(), ""
                try:
                    perform(own, view, values)
                    drawn = view.rgb
                except Fault as error:
                    fault = str(error)
                self._tell(Performance(own.offer.name, time.perf_counter() - started, fault))
            if drawn is not pixels:
                np.copyto(pixels, drawn)
