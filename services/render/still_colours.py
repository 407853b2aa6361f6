"""Colours of an RGB picture: curves, gains and a light in RGB itself, then the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageFilter

from services.render.effects.frame.grade import grade
from shared.model.pictures import Matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.recipe import Recipe
    from services.render.region import Grid, Plane, Scratch
    from shared.model.assets import PreparedLut
    from shared.model.pictures import Picture

LEVELS = np.arange(256, dtype=np.float32)
FINEST = 65
"""Nodes along a side of the table that Pillow takes at most."""
_BAND = 64
"""Rows that are worked on in one go: their numbers stay in the processor's cache."""
_CHROMA_PER_DIFFERENCE = 0.5 / (1 - np.array((0.299, 0.114)))
"""Of red and of blue from luma, BT.601: what Cr and Cb are made of."""


class StillColours:
    """A recipe for rgb24.

    A colour is its grey, by the table of luma, and what its samples differ from their grey, times a gain; grey is
    rounded to 8 bits for the tables only, so that nothing bands.
    """

    def __init__(self, recipe: Recipe) -> None:
        luma = LEVELS * np.float32(1 / 255)
        self._luma, self._gain = recipe.luma(luma) * np.float32(255), recipe.chroma_gain(luma)
        self._saturation = recipe.saturation_gain(luma) if recipe.saturation else None
        self._light = recipe.rgb_gains(Matrix.BT601)
        self._has_curves = bool(recipe.curves or recipe.saturation or recipe.temperature)
        self._table = _table(recipe.lut, recipe.amount) if recipe.lut is not None else None

    def draw(self, picture: Picture, scratch: Scratch) -> None:
        """Change a picture (rgb24) in place."""
        (pixels,) = picture.planes
        if self._has_curves:
            for top in range(0, len(pixels), _BAND):
                self._draw_band(pixels[top : top + _BAND], scratch)
        if self._table is not None:
            np.copyto(pixels, np.asarray(Image.fromarray(pixels).filter(self._table)))

    def _draw_band(self, pixels: Plane, scratch: Scratch) -> None:
        """sample' = light * (gain * sample + bent grey - gain * grey)."""
        shape = pixels.shape[:2]
        samples = [scratch.take_bytes(name, shape) for name in ("red", "green", "blue")]
        cv2.split(pixels, samples)
        grey = scratch.take_bytes("grey", shape)
        cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY, grey)
        gain, offset, product = (scratch.take(name, shape) for name in ("gain", "offset", "product"))
        self._gains(samples, grey, gain, scratch)
        cv2.LUT(grey, self._luma, offset)
        cv2.multiply(grey, gain, product, 1, cv2.CV_32F)
        cv2.subtract(offset, product, offset)
        for plane, light in zip(samples, self._light, strict=True):
            cv2.multiply(plane, gain, product, 1, cv2.CV_32F)
            cv2.addWeighted(product, light, offset, light, 0, plane, cv2.CV_8U)
        cv2.merge(samples, pixels)

    def _gains(self, samples: Sequence[Plane], grey: Plane, gain: Grid, scratch: Scratch) -> None:
        cv2.LUT(grey, self._gain, gain)
        if self._saturation is None:
            return
        far, other = (scratch.take_bytes(name, grey.shape) for name in ("far", "other"))
        for plane, chroma, distance in zip(samples[::2], _CHROMA_PER_DIFFERENCE, (far, other), strict=True):
            cv2.absdiff(plane, grey, distance)
            cv2.convertScaleAbs(distance, distance, float(chroma))
        cv2.max(far, other, far)
        more = scratch.take("more", grey.shape)
        cv2.LUT(far, self._saturation, more)
        cv2.multiply(gain, more, gain)


def _table(lut: PreparedLut, amount: float) -> ImageFilter.Color3DLUT:
    """The table over RGB of 0..1, with its amount; one with another domain is read at as many nodes as may be."""
    is_unit = (lut.domain_min, lut.domain_max) == ((0, 0, 0), (1, 1, 1))
    size = lut.size if is_unit else FINEST
    steps = np.linspace(0, 1, size, dtype=np.float32)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    nodes = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    return ImageFilter.Color3DLUT(size, grade(nodes, lut, amount).ravel())
