"""Small RGB pictures out of large ones on a card: all those of a batch by one launch."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.detect.cuda.pictures import CardPixels
from shared.cuda.device import blocks
from shared.model.colours import rgb_of_yuv, steps_of
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.detect.cuda.pictures import CardView
    from shared.model.pictures import Colour

    Affine = NDArray[np.float64]

_CROP = struct.Struct("<3Q6f12i6i")
"""As `Crop` in sampling.cu."""
_SOURCE = Path(__file__).with_suffix(".cu")
_AS_THE_EDGE = -1
_STEPS = {PixelFormat.I420: 1, PixelFormat.NV12: 2, PixelFormat.RGB24: 3}


def sample_on_card(
    shots: Sequence[tuple[CardView, Affine]], size: tuple[int, int], *, black_outside: bool
) -> CardPixels:
    """RGB uint8 [n, height, width, 3], bilinear, of the parts of 1 or more pictures that the matrices point to.

    shots: pictures of one device, each with its matrix; these, the size and `black_outside` as `sample_rgb` takes
    them. What comes of it differs from that by a level here and there (decision 0050).
    """
    device = shots[0][0].device
    columns, rows = size
    table = np.frombuffer(b"".join([_row(view, affine, black_outside) for view, affine in shots]), np.uint8)
    pixels = device.empty((len(shots), rows, columns, 3), np.uint8)
    (across, down, _), block = blocks(columns, rows)
    grid = (across, down, len(shots))
    sides = (np.int32(columns), np.int32(rows))
    device.kernels(_SOURCE).launch("sampled", grid, block, device.upload(table), pixels, *sides)
    return CardPixels(device, pixels)


def _row(view: CardView, affine: Affine, black_outside: bool) -> bytes:
    """One line of the table that the kernel reads."""
    own, kind = view.picture.geometry, view.picture.geometry.format
    black = 0
    if kind is not PixelFormat.RGB24:
        black, _, _ = steps_of(view.colour)
    return _CROP.pack(
        *_addresses(view), *affine.ravel().tolist(), *_to_rgb(view.colour), own.width, own.height, _STEPS[kind],
        view.margin_px, view.is_turned, black if black_outside else _AS_THE_EDGE,
    )  # fmt: skip


def _addresses(view: CardView) -> tuple[int, int, int]:
    """Of luma, Cb and Cr; RGB has but the first."""
    first, *chroma = (view.device.address(plane) for plane in view.picture.planes)
    if len(chroma) == 1:
        return first, chroma[0], chroma[0] + 1
    return (first, chroma[0], chroma[1]) if chroma else (first, 0, 0)


@cache
def _to_rgb(colour: Colour) -> tuple[int, ...]:
    return tuple(round(number * 1024) for number in rgb_of_yuv(colour).ravel().tolist())
