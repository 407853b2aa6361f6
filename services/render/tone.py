"""Tone effects as one affine change of each sample: the smooth part on the working grid, the product at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from services.render.region import Grid, Plane, Region, Scratch


class Tone:
    """sample' = gain * sample + offset for Y, Cb and Cr, with gain and offset on a region's grid.

    A cell whose gain is 1 and whose offset is 0 leaves its samples as they are, bit by bit.
    """

    def __init__(self) -> None:
        self._gain: list[Grid | None] = [None, None, None]
        self._offset: list[Grid | None] = [None, None, None]

    def then(self, plane: int, gain: Grid, offset: Grid) -> None:
        """Append a change of plane 0 (Y), 1 (Cb) or 2 (Cr) to those before it; both are [rows, columns]."""
        before, added = self._gain[plane], self._offset[plane]
        self._gain[plane] = gain if before is None else before * gain
        self._offset[plane] = offset if added is None else added * gain + offset

    def blend(self, plane: int, weight: Grid, gain: Grid | float, offset: Grid | float) -> None:
        """Append `gain * sample + offset` at `weight` (0..1, [rows, columns]) over what the samples were."""
        self.then(plane, weight * (gain - 1) + np.float32(1), weight * offset)

    def apply(self, plane: int, samples: Plane, region: Region, subsampling: int, scratch: Scratch) -> None:
        """Change the region's samples of a plane in place, rounded, and held within 0..255."""
        gain, offset = self._gain[plane], self._offset[plane]
        if gain is None or offset is None:
            return
        gains = region.spread(gain, subsampling, scratch, "gain")
        offsets = region.spread(offset, subsampling, scratch, "offset")
        product = scratch.take("product", samples.shape)
        cv2.multiply(samples, gains, product, 1, cv2.CV_32F)
        cv2.add(product, offsets, samples, None, cv2.CV_8U)


def hold_range(before: Plane, samples: Plane, luma_range: tuple[int, int]) -> None:
    """Keep samples within black..white in place, but for those that were beyond it: these come no farther."""
    black, white = luma_range
    # NumPy takes five times as long on a part of a picture; the stub forgets that a number will do.
    cv2.min(samples, cv2.max(before, white), samples)  # type: ignore[call-overload] # see above
    cv2.max(samples, cv2.min(before, black), samples)  # type: ignore[call-overload] # see above
