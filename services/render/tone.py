"""Tone effects as one affine change of each sample: the smooth part on the working grid, the product at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from services.render.patch import Patch
    from services.render.region import Grid, Plane, Region, Scratch


_FEW = 4
"""OpenCV takes a number beside so few samples for an array of its own."""


class Tone:
    """sample' = gain * sample + offset for Y, Cb and Cr, with gain and offset on a region's grid.

    A cell whose gain is 1 and whose offset is 0 leaves its samples as they are, bit by bit. Detail that is brought out
    in Y comes on top: `sharp` times what a sample has beyond the mean of those around it.
    """

    def __init__(self) -> None:
        self._gain: list[Grid | None] = [None, None, None]
        self._offset: list[Grid | None] = [None, None, None]
        self._sharp: Grid | None = None
        self._sharp_radius = 0

    def then(self, plane: int, gain: Grid, offset: Grid) -> None:
        """Append a change of plane 0 (Y), 1 (Cb) or 2 (Cr) to those before it; both are [rows, columns]."""
        before, added = self._gain[plane], self._offset[plane]
        self._gain[plane] = gain if before is None else before * gain
        self._offset[plane] = offset if added is None else added * gain + offset

    def add(self, plane: int, offset: Grid) -> None:
        """Append `sample + offset`."""
        added = self._offset[plane]
        self._offset[plane] = offset if added is None else added + offset

    def blend(self, plane: int, weight: Grid, gain: Grid | float, offset: Grid | float) -> None:
        """Append `gain * sample + offset` at `weight` (0..1, [rows, columns]) over what the samples were."""
        self.then(plane, weight * (gain - 1) + np.float32(1), weight * offset)

    def sharpen(self, weight: Grid, radius: int) -> None:
        """Bring out the detail of Y: `weight` times what is finer than a window of `radius` samples."""
        self._sharp, self._sharp_radius = weight, radius
        self.add(0, np.zeros_like(weight))

    def apply(self, patch: Patch, region: Region, scratch: Scratch) -> None:
        """Change a region's samples in place, rounded, and held within the nominal range where they were within."""
        before = scratch.copy(patch.y, "before")
        for plane, samples in enumerate(patch.planes):
            gain, offset = self._gain[plane], self._offset[plane]
            if offset is None:
                continue
            subsampling = patch.subsampling if plane else 1
            added = region.spread(offset, subsampling, scratch, "added")
            if plane == 0:
                self._bring_out(before, added, region, scratch)
            if gain is None:
                cv2.add(samples, added, samples, None, cv2.CV_8U)
                continue
            product = scratch.take("product", samples.shape)
            cv2.multiply(samples, region.spread(gain, subsampling, scratch, "gain"), product, 1, cv2.CV_32F)
            cv2.add(product, added, samples, None, cv2.CV_8U)
        hold_range(before, patch.y, patch.luma_range, scratch)

    def _bring_out(self, before: Plane, added: Grid, region: Region, scratch: Scratch) -> None:
        if self._sharp is None:
            return
        side, detail = 2 * self._sharp_radius + 1, scratch.take("product", before.shape)
        around = scratch.take_bytes("around", before.shape)
        cv2.blur(before, (side, side), around)
        cv2.subtract(before, around, detail, None, cv2.CV_32F)
        cv2.accumulateProduct(detail, region.spread(self._sharp, 1, scratch, "gain"), added)


def hold_range(before: Plane, samples: Plane, luma_range: tuple[int, int], scratch: Scratch) -> None:
    """Keep samples within black..white in place, but for those that were beyond it: these come no farther."""
    black, white = luma_range
    if (black, white) == (0, 255):
        return
    if samples.size <= _FEW:
        samples[...] = np.clip(samples, np.minimum(before, black), np.maximum(before, white))
        return
    bound = scratch.take_bytes("bound", samples.shape)
    # Bounds as arrays: NumPy takes ten times as long with a number, and OpenCV takes it for an array beside one sample.
    bound.fill(white)
    cv2.min(samples, cv2.max(before, bound, bound), samples)
    bound.fill(black)
    cv2.max(samples, cv2.min(before, bound, bound), samples)
