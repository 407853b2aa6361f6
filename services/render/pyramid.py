"""A picture with alpha at full size, half, a quarter and so on, so that it can be shown small without glitter."""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.region import Grid

    Pixels = NDArray[np.uint8]

MOST_BYTES = 64 << 20
"""So much is kept of all pictures together."""
PROBE = 45
"""Along the longer side of the small picture that tells where something shows; 45 of the level's cells to 91."""


class Pyramid:
    """RGBA with premultiplied alpha, each level half as large as the one before; made when first asked for.

    Premultiplied, so that what is transparent has no colour that could bleed into the edges.
    """

    def __init__(self, rgba: Pixels) -> None:
        """rgba: [rows, columns, 4], straight alpha; it must not change."""
        self._rgba = rgba
        self._levels: dict[int, Grid] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole picture."""
        rows, columns = self._rgba.shape[:2]
        return columns, rows

    @property
    def size_bytes(self) -> int:
        """Memory that the levels take which have been asked for."""
        return sum(level.nbytes for level in self._levels.values())

    def level(self, texels: float) -> Grid:
        """[rows, columns, 4] float32, 0..255: for a picture of which so many pixels fall on one that is drawn.

        One pixel that is drawn gets 0.7 to 1.4 of the level's, or less of the first.
        """
        most = (max(self.size) - 1).bit_length()
        wanted = min(max(0, round(math.log2(max(texels, 1e-6)))), most)
        level = self._levels.get(wanted)
        if level is None:
            level = self._levels[wanted] = self._made(wanted)
        return level

    def _made(self, wanted: int) -> Grid:
        """From the next finer one that is there; those in between are not kept, as the first takes 16 bytes a pixel."""
        finer = max((number for number in self._levels if number < wanted), default=0)
        level = self._levels.get(finer)
        level = premultiplied(self._rgba) if level is None else level
        for _ in range(wanted - finer):
            rows, columns = level.shape[:2]
            half = ((columns + 1) // 2, (rows + 1) // 2)
            level = cast("Grid", cv2.resize(level, half, interpolation=cv2.INTER_AREA))
        return level

    @cached_property
    def shown(self) -> NDArray[np.int32]:
        """[rows + 1, columns + 1]: sums, from the upper left corner, of the cells where something shows or may show.

        The cells lie over the whole picture, 65 or less along each side; what shows reaches into two around it.
        """
        alpha = self.level(max(self.size) / PROBE)[..., 3]
        near = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
        return cast("NDArray[np.int32]", cv2.integral(near))


def premultiplied(rgba: Pixels) -> Grid:
    """Red, green and blue times alpha; [rows, columns, 4] float32, 0..255."""
    product = rgba.astype(np.float32)
    product[..., :3] *= product[..., 3:] * np.float32(1 / 255)
    return product


class Pyramids:
    """The pyramids of what was drawn last."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._kept: OrderedDict[tuple[str, int], Pyramid] = OrderedDict()
        self._most_bytes = most_bytes

    def of(self, asset: str, frame: int, rgba: Pixels) -> Pyramid:
        """The pyramid of a frame of an asset: `rgba` is what it shows."""
        pyramid = self._kept.pop((asset, frame), None) or Pyramid(rgba)
        self._kept[asset, frame] = pyramid
        while len(self._kept) > 1 and sum(one.size_bytes for one in self._kept.values()) > self._most_bytes:
            self._kept.popitem(last=False)
        return pyramid
