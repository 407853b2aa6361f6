"""Red, green and blue times alpha: how a picture with parts that are not there is moved, covered and averaged.

What is not there has no colour of its own. Mixed as it is stored, its black would come into the edges of what is seen.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from services.render.region import Plane, Region
    from shared.model.pictures import Picture

BAND_ROWS = 64
"""So many rows are reckoned with at a time: floats of a whole picture would take several times what it takes itself."""


@contextmanager
def premultiplied(
    target: Picture, region: Region, anew: NDArray[np.bool_] | None = None
) -> Iterator[tuple[Plane, Plane]]:
    """A region of `target`, rgb24 with alpha, to be changed in place: RGB times alpha uint8 [rows, columns, 3], and
    alpha uint8 [rows, columns]; `target` is left alone meanwhile.

    At the end pixels that have changed are written back, and those of `anew` [rows, columns] in any case; the others
    stay as they are, bit by bit. Raises ValueError for a picture without alpha.
    """
    if target.alpha is None:
        raise ValueError("the picture has no alpha")
    pixels, opacity = region.cut(target.planes[0], 1), region.cut(target.alpha, 1)
    bands = [slice(top, top + BAND_ROWS) for top in range(0, opacity.shape[0], BAND_ROWS)]
    light = np.empty(pixels.shape, np.uint8)
    for rows in bands:
        light[rows] = _dimmed(pixels[rows], opacity[rows])
    alpha = opacity.copy()
    yield light, alpha
    for rows in bands:
        changed = (light[rows] != _dimmed(pixels[rows], opacity[rows])).any(axis=2) | (alpha[rows] != opacity[rows])
        if anew is not None:
            changed |= anew[rows]
        _write(pixels[rows], opacity[rows], (light[rows], alpha[rows]), changed)


def _dimmed(pixels: Plane, opacity: Plane) -> NDArray[np.uint8]:
    """Colours times alpha."""
    return np.rint(pixels * (opacity[..., np.newaxis] * np.float32(1 / 255))).astype(np.uint8)


def _write(pixels: Plane, opacity: Plane, planes: tuple[Plane, Plane], changed: NDArray[np.bool_]) -> None:
    """What has changed into `pixels` and `opacity`. Rows above and below that are not looked at."""
    there = np.flatnonzero(changed.any(axis=1))
    if not there.size:
        return
    rows = slice(there[0], there[-1] + 1)
    light, alpha = (plane[rows] for plane in planes)
    np.copyto(pixels[rows], _seen(light, alpha), where=changed[rows, :, np.newaxis])
    np.copyto(opacity[rows], alpha, where=changed[rows])


def _seen(light: Plane, alpha: Plane) -> NDArray[np.uint8]:
    """The colours; black where nothing is there."""
    strength = np.divide(np.float32(255), alpha, where=alpha > 0, out=np.zeros(alpha.shape, np.float32))
    return np.asarray(cv2.multiply(light, cv2.merge([strength] * 3), dtype=cv2.CV_8U), np.uint8)
