"""One displacement field for a region, held open, and the one resampling that follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.bumps import Bumps
    from services.render.region import Grid, Plane, Region, Scratch


def displacement(bumps: Bumps, region: Region) -> Grid:
    """[rows, columns, 2] float32: pixels by which the centre of each of the region's cells is displaced."""
    return bumps.field_of_grid(*region.centres_px())


LEAST_AREA = 0.25
"""A cell is shown on at least so much of its area: below 0 the picture would fold, near it detail is crushed."""


def most_open(field: Grid, step: int) -> float:
    """The largest number in 0..1 by which the whole field can be multiplied without folding or crushing the picture.

    field: [rows, columns, 2] pixels, cells of `step` pixels. With the field times s the area that a point's
    surroundings are taken from is 1 + s * trace + s² * determinant of the field's slopes (its Jacobian).
    """
    down = np.diff(field, axis=0)[:, :-1] * np.float32(1 / step)
    right = np.diff(field, axis=1)[:-1] * np.float32(1 / step)
    trace = right[..., 0] + down[..., 1]
    determinant = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    if not trace.size or _is_open(trace, determinant, 1.0):
        return 1.0
    return _most(trace, determinant)


def _most(trace: Grid, determinant: Grid) -> float:
    """The largest s in 0..1 at which the field is open, to a thousandth."""
    low, high = 0.0, 1.0
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if _is_open(trace, determinant, middle) else (low, middle)
    return low


def _is_open(trace: Grid, determinant: Grid, times: float) -> bool:
    """No place is shown on less than LEAST_AREA of its area, nor upside down, with the field so many times."""
    upright = 2 + times * float(trace.min()) > 0
    return upright and 1 + float((times * trace + times * times * determinant).min()) >= LEAST_AREA


def resample(whence: Grid, samples: Plane, scratch: Scratch, sharp: Sequence[tuple[slice, slice]] = ()) -> None:
    """Move samples in place: each becomes the one that lies at `whence` [rows, columns, 2], column and row in samples.

    sharp: parts (rows, columns) where detail is magnified: cubic there, which takes three times as long, linear
    elsewhere. Both are exact where nothing moves. Cubic is held within the extremes around: ringing does not leave the
    nominal range.
    """
    before = scratch.copy(samples, "before")
    _remap(before, whence, cv2.INTER_LINEAR, samples)
    for part in sharp:
        _remap(before, whence[part], cv2.INTER_CUBIC, samples[part])
        np.maximum(samples[part], before[part].min(), out=samples[part])
        np.minimum(samples[part], before[part].max(), out=samples[part])


def _remap(before: Plane, whence: Grid, how: int, samples: Plane) -> None:
    cv2.remap(before, whence, None, how, samples, cv2.BORDER_REPLICATE)  # type: ignore[call-overload] # no second map
