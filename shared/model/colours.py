"""What the numbers of a picture's samples are in red, green and blue."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from shared.model.pictures import Matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.model.pictures import Colour

_LUMA_WEIGHTS = {Matrix.BT601: (0.299, 0.114), Matrix.BT709: (0.2126, 0.0722), Matrix.BT2020: (0.2627, 0.0593)}
"""Of red and blue: ITU-R BT.601-7, BT.709-6, BT.2020-2."""


def unit_rgb_of_yuv(matrix: Matrix) -> NDArray[np.float64]:
    """[3, 3]: R, G, B of 0..1 from luma of 0..1 and chroma of -0.5..0.5."""
    red, blue = _LUMA_WEIGHTS[matrix]
    green = 1 - red - blue
    to_red, to_blue = 2 * (1 - red), 2 * (1 - blue)
    return np.array([[1, 0, to_red], [1, -blue * to_blue / green, -red * to_red / green], [1, to_blue, 0]])


def steps_of(colour: Colour) -> tuple[int, int, int]:
    """Luma of black, steps from there to white, and steps of the whole range of chroma, as stored in 8 bits."""
    return (0, 255, 255) if colour.full_range else (16, 219, 224)


@lru_cache
def rgb_of_yuv(colour: Colour) -> NDArray[np.float64]:
    """[3, 4]: R, G, B in 0..255 from Y, Cb, Cr and 1, as stored in 8 bits."""
    black, luma_steps, chroma_steps = steps_of(colour)
    gains = unit_rgb_of_yuv(colour.matrix) * (255 / luma_steps, 255 / chroma_steps, 255 / chroma_steps)
    return np.column_stack([gains, -gains @ (black, 128, 128)])


@lru_cache
def yuv_of_rgb(colour: Colour) -> NDArray[np.float64]:
    """[3, 4]: Y, Cb, Cr as stored in 8 bits from R, G, B in 0..255 and 1."""
    forth = rgb_of_yuv(colour)
    back = np.linalg.inv(forth[:, :3])
    return np.column_stack([back, -back @ forth[:, 3]])
