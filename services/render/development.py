"""Colours of a 4:2:0 frame by curves, gains and a light: what needs no table in RGB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.render.region import halved
from services.render.tone import hold_range
from shared.model.colours import steps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.recipe import Recipe
    from services.render.region import Grid, Plane, Scratch
    from shared.model.pictures import Colour, Picture

LEVELS = np.arange(256, dtype=np.float32)
GREY = 128
_BAND = 64
"""Rows of luma that a light is drawn on in one go: they stay in the processor's cache from step to step."""
_FROM_GREY = LEVELS - np.float32(GREY)
_FAR = np.abs(_FROM_GREY).astype(np.uint8)


@dataclass(frozen=True, eq=False, slots=True)
class Tables:
    """A recipe without a table in RGB, by stored samples of 8 bits."""

    luma: Plane
    """uint8 [256]: the stored luma that each becomes."""
    grey: Grid
    """float32 [256]: the same from black, in steps of chroma."""
    gain: Grid | None
    """float32 [256]: of chroma, by its mean luma; None without curves."""
    saturation: Grid | None
    """float32 [256]: the gain of chroma by the larger distance of Cb and Cr from grey; None without one."""
    light: NDArray[np.float64] | None
    """[3, 3] of Y, Cb and Cr by Y, Cb and Cr, in unit colours; None without one."""
    luma_per_chroma: float
    """Steps of luma for one of chroma."""
    luma_range: tuple[int, int]
    chroma_range: tuple[int, int]

    @classmethod
    def of(cls, recipe: Recipe, colour: Colour) -> Tables:
        """Those of a recipe, for samples of this meaning."""
        black, luma_steps, chroma_steps = steps_of(colour)
        luma = (LEVELS - np.float32(black)) * np.float32(1 / luma_steps)
        bent = recipe.luma(luma)
        return cls(
            luma=np.clip(np.rint(bent * luma_steps + black), 0, 255).astype(np.uint8),
            grey=bent * np.float32(chroma_steps),
            gain=recipe.chroma_gain(luma) if recipe.curves else None,
            saturation=recipe.saturation_gain(LEVELS * np.float32(1 / chroma_steps)) if recipe.saturation else None,
            light=recipe.light(colour.matrix) if recipe.temperature else None,
            luma_per_chroma=luma_steps / chroma_steps,
            luma_range=(black, black + luma_steps),
            chroma_range=(0, 255) if colour.full_range else (16, 240),
        )


class Development:
    """A recipe without a table in RGB, as tables of luma and chroma and a matrix between them.

    Luma goes through one table at full size. All else is worked out for the samples of chroma, with the mean luma of
    their four pixels; what a light adds to luma is spread from there.
    """

    def __init__(self, recipe: Recipe, colour: Colour) -> None:
        self._tables = Tables.of(recipe, colour)

    def draw(self, picture: Picture, scratch: Scratch) -> None:
        """Change a picture (i420) in place; what was within the nominal range stays within it."""
        y, *halves = picture.planes
        mean_luma = halved(y, scratch)
        before = [scratch.copy(half, name) for half, name in zip(halves, ("cb before", "cr before"), strict=True)]
        chroma = self._gained(before, mean_luma, scratch)
        if self._tables.light is None:
            for half, own in zip(halves, chroma, strict=True):
                cv2.addWeighted(own, 1, own, 0, GREY, half, cv2.CV_8U)
            if self._tables.gain is not None:
                cv2.LUT(y, self._tables.luma, y)
        else:
            self._light_luma(y, chroma, self._tables.light[0, 1:] * self._tables.luma_per_chroma, scratch)
            self._light_chroma(halves, chroma, self._tables.light[1:], mean_luma, scratch)
        for half, old in zip(halves, before, strict=True):
            hold_range(old, half, self._tables.chroma_range, scratch)

    def _gained(self, planes: list[Plane], mean_luma: Plane, scratch: Scratch) -> list[Grid]:
        """Cb and Cr around 0 with the gains of luma curves and saturation."""
        chroma = [scratch.take(name, mean_luma.shape) for name in ("cb", "cr")]
        for plane, own in zip(planes, chroma, strict=True):
            cv2.LUT(plane, _FROM_GREY, own)
        gain = scratch.take("gain", mean_luma.shape)
        if self._tables.gain is not None:
            cv2.LUT(mean_luma, self._tables.gain, gain)
            _multiply(chroma, gain)
        if self._tables.saturation is not None:
            cv2.LUT(_farther_from_grey(planes, scratch), self._tables.saturation, gain)
            _multiply(chroma, gain)
        return chroma

    def _light_chroma(
        self, halves: list[Plane], chroma: list[Grid], light: NDArray[np.float64], mean_luma: Plane, scratch: Scratch
    ) -> None:
        """light: [2, 3] of Cb and Cr by Y, Cb and Cr."""
        grey, mixed = (scratch.take(name, mean_luma.shape) for name in ("grey", "gain"))
        cv2.LUT(mean_luma, self._tables.grey, grey)
        for half, (of_y, of_cb, of_cr) in zip(halves, light, strict=True):
            cv2.addWeighted(chroma[0], of_cb, chroma[1], of_cr, GREY, mixed)
            cv2.addWeighted(mixed, 1, grey, of_y, 0, half, cv2.CV_8U)

    def _light_luma(self, y: Plane, chroma: list[Grid], light: NDArray[np.float64], scratch: Scratch) -> None:
        """The bent luma and what the light adds to it, as coarse as chroma is. light: [2] of Y by Cb and Cr."""
        rows, columns = chroma[0].shape
        added = scratch.take_bytes("added", (rows, columns))
        cv2.addWeighted(chroma[0], light[0], chroma[1], light[1], GREY, added, cv2.CV_8U)
        wide = scratch.take_bytes("wide", (2 * rows, 2 * columns))
        cv2.resize(added, (2 * columns, 2 * rows), wide)
        for top in range(0, y.shape[0], _BAND):
            part = y[top : top + _BAND]
            before = scratch.copy(part, "before")
            if self._tables.gain is not None:
                cv2.LUT(part, self._tables.luma, part)
            cv2.addWeighted(part, 1, wide[top : top + part.shape[0], : part.shape[1]], 1, -GREY, part)
            hold_range(before, part, self._tables.luma_range, scratch)


def _multiply(chroma: list[Grid], gain: Grid) -> None:
    for own in chroma:
        cv2.multiply(own, gain, own)


def _farther_from_grey(planes: list[Plane], scratch: Scratch) -> Plane:
    far, other = (scratch.take_bytes(name, planes[0].shape) for name in ("far", "other"))
    for plane, distance in zip(planes, (far, other), strict=True):
        cv2.LUT(plane, _FAR, distance)
    cv2.max(far, other, far)
    return far
