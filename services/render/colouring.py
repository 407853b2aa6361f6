"""Draws what changes the colours of a whole frame: curves, gains, a light and a table, in as few passes as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from services.render.development import Development
from services.render.grading import Grading
from services.render.recipe import COLOURS, Recipe
from services.render.still_colours import StillColours
from shared.model.looks import strength_of
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.render.region import Scratch
    from shared.model.assets import Prepared
    from shared.model.looks import Look
    from shared.model.pictures import Picture

    class _Colours(Protocol):
        def draw(self, picture: Picture, scratch: Scratch) -> None: ...


class Colouring:
    """The colour settings of a look, made ready once and again only where the look or the kind of frame is another."""

    def __init__(self, assets: Mapping[str, Prepared]) -> None:
        self._assets = assets
        self._key: tuple[Any, ...] = ()
        self._colours: _Colours | None = None

    def draw(self, target: Picture, look: Look, scratch: Scratch) -> None:
        """Change the colours of `target` in place."""
        if not any(strength_of(getattr(look, name)) for name in COLOURS):
            return
        key = (*(getattr(look, name) for name in COLOURS), target.geometry.format, target.colour)
        if self._colours is None or key != self._key:
            self._key, self._colours = key, _ready(target, Recipe.of(look, self._assets))
        self._colours.draw(target, scratch)


def _ready(like: Picture, recipe: Recipe) -> _Colours:
    if like.geometry.format is PixelFormat.RGB24:
        return StillColours(recipe)
    return Grading(recipe, like.colour) if recipe.lut is not None else Development(recipe, like.colour)
