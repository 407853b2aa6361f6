"""What kernels that lay pictures over faces are told alike: what colours are, and which mode they are laid by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.blending import MODES
from shared.model.colours import rgb_of_yuv, yuv_of_rgb

if TYPE_CHECKING:
    from shared.model.effects import Blend
    from shared.model.pictures import Colour

NUMBERS: Final[dict[Blend, np.int32]] = {mode: np.int32(number) for number, mode in enumerate(MODES)}
"""Of the modes, as laying.cuh counts them."""


def colours_of(colour: Colour) -> bytes:
    """The kernels' `Colours`, 96 bytes."""
    return np.concatenate([yuv_of_rgb(colour), rgb_of_yuv(colour)]).astype(np.float32).tobytes()
