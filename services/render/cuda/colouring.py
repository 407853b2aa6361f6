"""Changes the colours of a picture on a card: `colouring.Colouring` there, in one or two launches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from services.render.development import LEVELS, Tables
from services.render.recipe import COLOURS, Recipe
from shared.cuda.device import blocks
from shared.model.colours import steps_of, unit_rgb_of_yuv
from shared.model.looks import strength_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.model.assets import Prepared, PreparedLut
    from shared.model.looks import Look
    from shared.model.pictures import Colour

SOURCE = Path(__file__).with_suffix(".cu")


class CardColours:
    """The colour settings of a look, on the card once and again only where the look or what samples mean is another."""

    def __init__(self, assets: Mapping[str, Prepared]) -> None:
        """assets: what looks refer to, by id."""
        self._assets = assets
        self._key: tuple[Any, ...] = ()
        self._colours: _Developed | _Graded | None = None

    def draw(self, target: CardPicture, look: Look, device: Device) -> None:
        """Change the colours of `target` (nv12) in place; it does not wait for the card.

        Raises Rejected for an asset of the look that is missing or no table.
        """
        if not any(strength_of(getattr(look, name)) for name in COLOURS):
            return
        key = (*(getattr(look, name) for name in COLOURS), target.colour, device)
        if self._colours is None or key != self._key:
            self._key, self._colours = key, _ready(Recipe.of(look, self._assets), target.colour, device)
        self._colours.draw(target)


class _Developed:
    """As `development.Development`."""

    def __init__(self, recipe: Recipe, colour: Colour, device: Device) -> None:
        self._device, self._tables = device, Tables.of(recipe, colour)
        light = np.eye(3) if self._tables.light is None else self._tables.light.copy()
        light[0] *= self._tables.luma_per_chroma
        self._numbers = device.upload(_numbers(self._tables, light, np.eye(3)))

    def draw(self, target: CardPicture) -> None:
        """Change a picture in place; what was within the nominal range stays within it."""
        luma, chroma = target.planes
        rows, columns, _ = chroma.shape
        kernels, has_light = self._device.kernels(SOURCE), self._tables.light is not None
        size = np.int32(target.geometry.width), np.int32(target.geometry.height)
        added = self._device.empty((rows, columns) if has_light else (1,), np.uint8)
        kernels.launch(
            "developed", *blocks(columns, rows), luma, chroma, added, *size, self._numbers, np.int32(has_light),
            *map(np.int32, self._tables.chroma_range),
        )  # fmt: skip
        if has_light:
            bounds = map(np.int32, self._tables.luma_range)
            kernels.launch("lit", *blocks(luma.shape[1], luma.shape[0]), luma, added, *size, self._numbers, *bounds)


class _Graded:
    """As `grading.Grading`, but each colour is worked out where it is met: a card has the time."""

    def __init__(self, recipe: Recipe, lut: PreparedLut, colour: Colour, device: Device) -> None:
        self._device, self._amount, self._size = device, np.float32(recipe.amount), np.int32(lut.size)
        self._black, luma_steps, chroma_steps = steps_of(colour)
        rgb_of_yuv = unit_rgb_of_yuv(colour.matrix)
        to_rgb = rgb_of_yuv @ recipe.light(colour.matrix) / chroma_steps
        from_rgb = np.diag((luma_steps, chroma_steps, chroma_steps)) @ np.linalg.inv(rgb_of_yuv)
        self._numbers = device.upload(_numbers(Tables.of(recipe, colour), to_rgb, from_rgb))
        entries = np.zeros((lut.size**3, 4), np.float32)
        entries[:, :3] = lut.table.reshape(-1, 3)
        self._entries = device.upload(entries)
        low, high = np.array(lut.domain_min), np.array(lut.domain_max)
        self._domain = device.upload(np.stack([low, (lut.size - 1) / (high - low)]).astype(np.float32))

    def draw(self, target: CardPicture) -> None:
        """Change a picture in place."""
        luma, chroma = target.planes
        rows, columns, _ = chroma.shape
        self._device.kernels(SOURCE).launch(
            "graded", *blocks(columns, rows), luma, chroma, np.int32(luma.shape[1]), np.int32(luma.shape[0]),
            self._numbers, np.int32(self._black), self._entries, self._domain, self._size, self._amount,
        )  # fmt: skip


def _ready(recipe: Recipe, colour: Colour, device: Device) -> _Developed | _Graded:
    if recipe.lut is None:
        return _Developed(recipe, colour, device)
    return _Graded(recipe, recipe.lut, colour, device)


def _numbers(tables: Tables, first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.uint8]:
    """uint8 [n]: the kernels' tables and two matrices [3, 3], one after the other in float32."""
    none = np.ones_like(LEVELS)
    gain, saturation = (none if table is None else table for table in (tables.gain, tables.saturation))
    parts = (tables.luma, tables.grey, gain, saturation, first, second)
    return np.concatenate([part.astype(np.float32).reshape(-1) for part in parts]).view(np.uint8)
