"""Tries an effect on a made-up face before anybody sees it: every layout, the ends of every range, a face cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.layouts.frontal import frontal
from services.render.own.performing import Fault, perform
from services.render.own.views import Views, region_of
from services.render.shape import FaceShape
from shared.model.errors import Misconfigured
from shared.model.faces import Face, Layout
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.render.own.effects import OwnEffect
    from shared.model.own_effects import OwnValues, ParameterOffer

SIDE: Final = 256
"""Of the picture, pixels."""
WIDTH: Final = 150
"""Of the face, pixels."""
SKIN: Final = (205, 150, 125)
"""Red, green, blue."""
PLACES: Final = {"": (SIDE / 2, SIDE / 2), " that the picture's edge cuts": (SIDE / 10, SIDE - SIDE / 10)}
"""Where its middle is."""


def rehearse(own: OwnEffect) -> None:
    """Draw an effect on faces of every layout that it is made for. Raises Misconfigured with what went wrong."""
    for layout in own.effect.layouts:
        for where, place in PLACES.items():
            for values in filter(own.draws, _trials(own.offer.parameters)):
                try:
                    _tried(own, Layout(layout), place, values)
                except Fault as fault:
                    given = ", ".join(f"{name}={value!r}" for name, value in values.items())
                    on = f"a face of {int(layout)} points{where}"
                    raise Misconfigured(f"it fails on {on} with {given or 'no parameters'}: {fault}") from fault


def _tried(own: OwnEffect, layout: Layout, place: tuple[float, float], values: OwnValues) -> None:
    picture = Picture.blank(Geometry(PixelFormat.RGB24, SIDE, SIDE), Colour(full_range=True))
    grain = np.random.default_rng(1).normal(0, 4, (SIDE, SIDE, 1))
    picture.planes[0][...] = np.rint(grain + SKIN)
    shape = FaceShape.of(Face.of((frontal(layout) * WIDTH + (*place, 0)).astype(np.float32), 1.0).known_as(1))
    if shape is not None and (region := region_of(shape, picture)) is not None:
        perform(own, Views(picture, shape, region, 0.0).of(region.cut(picture.planes[0], 1)), values)


def _trials(parameters: tuple[ParameterOffer, ...]) -> Iterator[OwnValues]:
    """The defaults, the lowest, the highest of all, and every other word of a choice."""
    defaults: OwnValues = {one.name: one.default for one in parameters}
    yield defaults
    numbers = [one for one in parameters if one.kind == "number"]
    yield {**defaults, **{one.name: one.low for one in numbers}}
    flags: OwnValues = {one.name: not one.default for one in parameters if one.kind == "flag"}
    yield {**defaults, **flags, **{one.name: one.high for one in numbers}}
    for one in parameters:
        yield from ({**defaults, one.name: word} for word in one.choices if word != one.default)
