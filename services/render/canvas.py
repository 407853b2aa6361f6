"""What a tone effect draws on: a face, or a part of one, as its working grid shows it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import feathered, filled, median
from services.render.skin import Skin, find_skin
from shared.model.colours import yuv_of_rgb
from shared.model.parameters import rgb_of

if TYPE_CHECKING:
    from services.render.patch import Patch
    from services.render.region import Grid, Region
    from services.render.shape import FaceShape
    from services.render.skin import Samples
    from shared.model.parameters import Colour as Hex
    from shared.model.parts import Part
    from shared.model.pictures import Colour


WELL_LIT = 0.62
"""Luma of a middling skin in good light, 0 black, 1 white."""
DIMMED, DIMMEST = 0.6, 0.55
"""Exponent and lower bound: a dark skin is not taken for a dark room."""


class Canvas:
    """A region of a picture on its grid; everything in cells. What is worked out once serves every effect."""

    def __init__(self, shape: FaceShape, region: Region, patch: Patch, bare: Samples) -> None:
        """patch: the samples of the region before these effects. bare: what `bare_skin` says of the face."""
        self._bare = bare
        self.shape = shape
        self.region = region
        self.scale = shape.scale_px / region.step
        """The face's scale in cells."""
        self.planes: tuple[Grid, Grid, Grid] = (
            region.gather(patch.y, 1),
            region.gather(patch.cb, patch.subsampling),
            region.gather(patch.cr, patch.subsampling),
        )
        """Y, Cb, Cr: cell means of the picture, 0..255, [rows, columns] float32."""
        self.colour: Colour = patch.colour
        self.luma_range = patch.luma_range
        """Luma of black and of white."""

    @cached_property
    def skin(self) -> Skin:
        """The skin of the face, as far as the region shows it."""
        return find_skin(self.shape, self.region, self.planes, self.luma_range[0], self._bare)

    def ring(self, *parts: Part, feather: float = 0.0) -> Grid:
        """[rows, columns] float32, 0..1: the inside of rings. feather: half width of the edge, in face scales."""
        return feathered(filled(self.region.cells, [self.cells_of(part) for part in parts]), feather * self.scale)

    def cells_of(self, part: Part) -> Grid:
        """[m, 2] x, y in cells: a part of the face."""
        return self.region.to_grid(self.shape.part(part))

    @cached_property
    def light(self) -> float:
        """How bright a white sheet would be beside this skin, 0..1: a guess that no complexion makes wrong by much."""
        black, white = self.luma_range
        skin = (median(self._bare[0]) - black) / (white - black) if self._bare.size else 1.0
        return float(np.clip((max(skin, 0.0) / WELL_LIT) ** DIMMED, DIMMEST, 1.0))

    def paint(self, colour: Hex) -> tuple[float, float, float]:
        """Y, Cb, Cr, 0..255, of paint of this colour in the light that falls on the face."""
        red, green, blue = (self.light * level for level in rgb_of(colour))
        y, cb, cr = (yuv_of_rgb(self.colour) @ (red, green, blue, 1)).tolist()
        return y, cb, cr

    def nothing(self) -> Grid:
        """[rows, columns] float32 of zeros."""
        return np.zeros(self.region.cells, np.float32)
