"""What is drawn on a card beside what the CPU draws: pictures taken there and back, and how much alike they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.chroma import interleave, split
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Picture, PixelFormat

if TYPE_CHECKING:
    from shared.cuda.device import Device


def in_turn(picture: Picture) -> Picture:
    """A copy of an i420 picture as nv12."""
    target = Picture.blank(picture.geometry.laid_out(PixelFormat.NV12), picture.colour)
    interleave(picture, target)
    return target


def uploaded(device: Device, picture: Picture) -> CardPicture:
    """A copy of an i420 picture on the card, as nv12."""
    return CardPicture.uploaded(device, in_turn(picture))


def fetched(device: Device, picture: CardPicture) -> Picture:
    """A copy of a card's nv12 picture, as i420."""
    return split(picture.downloaded(device))


def psnr(before: Picture, expected: Picture, drawn: Picture) -> float:
    """PSNR in dB of the samples of all planes that the CPU or the card changed; infinite where they are equal."""
    squares, count = 0.0, 0
    for old, one, other in zip(before.planes, expected.planes, drawn.planes, strict=True):
        changed = (old != one) | (old != other)
        squares += float(np.square(one[changed].astype(np.float64) - other[changed]).sum())
        count += int(changed.sum())
    assert count, "nothing was drawn"
    return float(10 * np.log10(255**2 * count / squares)) if squares else float("inf")


def most_apart(expected: Picture, drawn: Picture) -> int:
    """The largest difference of two samples, in levels."""
    return max(int(np.abs(a.astype(np.int16) - b).max()) for a, b in zip(expected.planes, drawn.planes, strict=True))
