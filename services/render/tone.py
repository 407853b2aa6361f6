"""Tone effects as one affine change of each sample: the smooth part on the working grid, the product at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.patch import Patch
    from services.render.region import Grid, Plane, Region, Scratch


class Tone:
    """What becomes of the samples of a region, on its grid: Y' = gain * Y + offset, Cb' = Cb + offset, Cr' likewise.

    A cell whose gain is 1 and whose offset is 0 leaves its samples as they are, bit by bit. Detail that is brought out
    in Y comes on top: `sharp` times what a sample has beyond the mean of those around it.
    """

    def __init__(self, cells: Sequence[Grid]) -> None:
        """cells: means of Y, Cb and Cr in each cell, [rows, columns] float32, as they are before."""
        self._cells = cells
        self._gain: Grid | None = None
        self._offset: list[Grid | None] = [None, None, None]
        self._sharp: Grid | None = None
        self._sharp_radius = 0

    def add(self, plane: int, offset: Grid) -> None:
        """Append `sample + offset` of plane 0 (Y), 1 (Cb) or 2 (Cr)."""
        added = self._offset[plane]
        self._offset[plane] = offset if added is None else added + offset

    def towards(self, plane: int, weight: Grid, level: Grid | float) -> None:
        """Bring each cell's mean to `level` (0..255) at `weight` (0..1); what is finer than a cell stays."""
        now, added = self._cells[plane], self._offset[plane]
        if plane == 0 and self._gain is not None:
            now = now * self._gain
        if added is not None:
            now = now + added
        self.add(plane, weight * (level - now))

    def tint(self, weight: Grid, cb: Grid | float, cr: Grid | float) -> None:
        """Bring the colour of each cell to these levels of Cb and Cr at `weight`, as `towards`."""
        self.towards(1, weight, cb)
        self.towards(2, weight, cr)

    def lift(self, weight: Grid, height: float, luma_range: tuple[int, int]) -> None:
        """Lighten Y at `weight` (0..1) by a parabola that leaves black and white where they are.

        height: so many times (y - black)(white - y) / (white - black) is added, y as it was before all changes.
        """
        black, white = luma_range
        luma = self._cells[0]
        self.add(0, weight * np.float32(height / (white - black)) * (luma - black) * (white - luma))

    def blend_luma(self, weight: Grid, gain: Grid, offset: Grid) -> None:
        """Append `gain * sample + offset` of Y at `weight` (0..1) over what the samples were."""
        gain, offset = weight * (gain - 1) + np.float32(1), weight * offset
        added = self._offset[0]
        self._gain = gain if self._gain is None else self._gain * gain
        self._offset[0] = offset if added is None else added * gain + offset

    def sharpen(self, weight: Grid, radius: int) -> None:
        """Bring out the detail of Y: `weight` times what is finer than a window of `radius` samples."""
        self._sharp, self._sharp_radius = weight, radius
        self.add(0, np.zeros_like(weight))

    def apply(self, patch: Patch, region: Region, scratch: Scratch) -> None:
        """Change a region's samples in place, rounded, and held within the nominal range where they were within."""
        if self._offset[0] is not None:
            before = scratch.copy(patch.y, "before")
            added = region.spread(self._offset[0], 1, scratch, "added")
            self._bring_out(before, added, region, scratch)
            if self._gain is not None:
                product = scratch.take("product", before.shape)
                cv2.multiply(before, region.spread(self._gain, 1, scratch, "gain"), product, 1, cv2.CV_32F)
                cv2.add(product, added, patch.y, None, cv2.CV_8U)
            else:
                cv2.add(before, added, patch.y, None, cv2.CV_8U)
            hold_range(before, patch.y, patch.luma_range, scratch)
        for offset, samples in zip(self._offset[1:], (patch.cb, patch.cr), strict=True):
            if offset is not None:
                added = region.spread(offset, patch.subsampling, scratch, "added")
                cv2.add(samples, added, samples, None, cv2.CV_8U)

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
    low, high, _, _ = cv2.minMaxLoc(samples)
    if black <= low and high <= white:
        return
    bound = scratch.take_bytes("bound", samples.shape)
    # Bounds as arrays: NumPy takes ten times as long with a number, and OpenCV takes it for an array beside one sample.
    bound.fill(white)
    cv2.min(samples, cv2.max(before, bound, bound), samples)
    bound.fill(black)
    cv2.max(samples, cv2.min(before, bound, bound), samples)
