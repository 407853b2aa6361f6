"""A region of a picture as Y, Cb and Cr planes or as RGB pixels, whatever the picture's own layout."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, cast

import cv2
import numpy as np

from shared.model.colours import rgb_of_yuv, yuv_of_rgb
from shared.model.pictures import Colour, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cv2.typing import MatLike
    from numpy.typing import NDArray

    from services.render.region import Plane, Region
    from shared.model.pictures import Picture

AS_STILLS = Colour(full_range=True)
"""What OpenCV makes of RGB: BT.601, full range."""


class Patch(NamedTuple):
    """Samples of a region, uint8."""

    y: Plane
    cb: Plane
    cr: Plane
    subsampling: int
    """Of the chroma planes in both directions: 2 for 4:2:0, 1 for 4:4:4."""
    colour: Colour
    """What the samples mean."""

    @property
    def planes(self) -> tuple[Plane, Plane, Plane]:
        """Y, Cb, Cr."""
        return self.y, self.cb, self.cr

    @property
    def luma_range(self) -> tuple[int, int]:
        """Luma of black and of white."""
        return (0, 255) if self.colour.full_range else (16, 235)


def read(picture: Picture, region: Region) -> Patch:
    """The region's samples: i420 as views of the picture's planes, rgb24 as new full-range BT.601 planes in 4:4:4."""
    if picture.geometry.format is PixelFormat.I420:
        y, cb, cr = picture.planes
        return Patch(region.cut(y, 1), region.cut(cb, 2), region.cut(cr, 2), 2, picture.colour)
    pixels = cv2.cvtColor(region.cut(picture.planes[0], 1), cv2.COLOR_RGB2YCrCb)
    y, cr, cb = (cast("Plane", plane) for plane in cv2.split(pixels))
    return Patch(y, cb, cr, 1, AS_STILLS)


@contextmanager
def opened(target: Picture, region: Region) -> Iterator[Patch]:
    """The region's samples, to be changed in place.

    rgb24: pixels whose samples have changed are written back at the end, the others stay as they are bit by bit.
    """
    patch = read(target, region)
    if target.geometry.format is PixelFormat.I420:
        yield patch
        return
    before = [plane.copy() for plane in patch.planes]
    yield patch
    changed = _changed(cv2.merge(before), cv2.merge(patch.planes))
    drawn = cv2.cvtColor(cv2.merge((patch.y, patch.cr, patch.cb)), cv2.COLOR_YCrCb2RGB)
    cv2.copyTo(drawn, changed, region.cut(target.planes[0], 1))


@contextmanager
def opened_rgb(target: Picture, region: Region) -> Iterator[NDArray[np.uint8]]:
    """The region's pixels as RGB uint8 [rows, columns, 3], to be changed in place.

    Pixels that have changed are written back at the end, the others stay as they are bit by bit; in 4:2:0 a sample of
    chroma changes if one of its pixels has.
    """
    if target.geometry.format is PixelFormat.RGB24:
        yield region.cut(target.planes[0], 1)
        return
    patch = read(target, region)
    rows, columns = patch.y.shape
    chroma = [cv2.resize(plane, _even(columns, rows))[:rows, :columns] for plane in (patch.cb, patch.cr)]
    pixels = _turned((patch.y, *chroma), rgb_of_yuv(target.colour))
    before = pixels.copy()
    yield pixels
    changed = _changed(before, pixels)
    y, *halves = cv2.split(cv2.transform(pixels, yuv_of_rgb(target.colour)))
    cv2.copyTo(y, changed, patch.y)
    for half, full, old in zip(halves, (patch.cb, patch.cr), chroma, strict=True):
        _write_half(full, half, old, changed)


def _write_half(plane: Plane, drawn: MatLike, before: MatLike, changed: MatLike) -> None:
    """Change chroma samples by the mean change of their four pixels."""
    rows, columns = plane.shape
    moved = cv2.subtract(drawn, before, mask=changed, dtype=cv2.CV_32F)
    down, right = 2 * rows - moved.shape[0], 2 * columns - moved.shape[1]
    moved = cv2.copyMakeBorder(moved, 0, down, 0, right, cv2.BORDER_REPLICATE)
    cv2.add(plane, cv2.resize(moved, (columns, rows), interpolation=cv2.INTER_AREA), plane, None, cv2.CV_8U)


def _turned(planes: Sequence[MatLike], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Three planes as pixels, each turned by a matrix [3, 4]."""
    return cast("NDArray[np.uint8]", cv2.transform(cv2.merge(planes), matrix))


def _even(columns: int, rows: int) -> tuple[int, int]:
    return columns + columns % 2, rows + rows % 2


def _changed(before: MatLike, after: MatLike) -> MatLike:
    """uint8 [rows, columns]: above 0 where any of three channels differs."""
    one, two, three = cv2.split(cv2.absdiff(before, after))
    return cv2.bitwise_or(cv2.bitwise_or(one, two), three)
