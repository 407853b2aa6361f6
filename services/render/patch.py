"""A region of a picture as Y, Cb and Cr planes, whatever the picture's own layout."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, cast

import cv2

from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.render.region import Plane, Region
    from shared.model.pictures import Picture


class Patch(NamedTuple):
    """Samples of a region, uint8."""

    y: Plane
    cb: Plane
    cr: Plane
    subsampling: int
    """Of the chroma planes in both directions: 2 for 4:2:0, 1 for 4:4:4."""


def read(picture: Picture, region: Region) -> Patch:
    """The region's samples: i420 as views of the picture's planes, rgb24 as new full-range BT.601 planes in 4:4:4."""
    if picture.geometry.format is PixelFormat.I420:
        y, cb, cr = picture.planes
        return Patch(region.cut(y, 1), region.cut(cb, 2), region.cut(cr, 2), 2)
    pixels = cv2.cvtColor(region.cut(picture.planes[0], 1), cv2.COLOR_RGB2YCrCb)
    y, cr, cb = (cast("Plane", plane) for plane in cv2.split(pixels))
    return Patch(y, cb, cr, 1)


@contextmanager
def opened(target: Picture, region: Region) -> Iterator[Patch]:
    """The region's samples, to be changed in place.

    rgb24: pixels whose samples have changed are written back at the end, the others stay as they are bit by bit.
    """
    patch = read(target, region)
    if target.geometry.format is PixelFormat.I420:
        yield patch
        return
    before = [plane.copy() for plane in patch[:3]]
    yield patch
    change = [cv2.absdiff(now, then) for now, then in zip(patch[:3], before, strict=True)]
    changed = cv2.bitwise_or(cv2.bitwise_or(change[0], change[1]), change[2])
    drawn = cv2.cvtColor(cv2.merge((patch.y, patch.cr, patch.cb)), cv2.COLOR_YCrCb2RGB)
    cv2.copyTo(drawn, changed, region.cut(target.planes[0], 1))
