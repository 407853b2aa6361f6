"""Face pixelate: shows a head as coarse squares that move with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.head import Head
    from services.render.region import Plane, Region
    from services.render.veil import Veil

ACROSS = 4
"""Squares across all that is drawn of a head, at full strength; 8 at half. Of the face itself, which is 2/3 as wide,
they show 5 at half strength. From 18 squares to 15 people's answers begin to fail (Bachmann 1991), and 12 are about the
fewest that well-known faces are recognised by (Sinha 2002)."""


def face_pixelate(veil: Veil, value: float) -> tuple[Plane, ...]:
    """Each square shows the mean of its samples. The squares are laid from the corner of the head's own box, and are
    parts of its width: they move and grow with the head, and do not swim over it.
    """
    return tuple(
        _squared(plane, *edges_of(veil.head, veil.region, value, subsampling))
        for plane, subsampling in zip(veil.planes, veil.subsamplings, strict=True)
    )


def edges_of(head: Head, region: Region, value: float, subsampling: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns at which squares begin, in samples of a plane in the region, and where the last of them ends."""
    x0, y0 = head.ring_px.min(axis=0).tolist()
    width = float(np.ptp(head.ring_px[:, 0]))
    side = max(2.0, width * value / ACROSS)
    across, down = _edges(x0, side, region.x0, region.x1), _edges(y0, side, region.y0, region.y1)
    rows, columns = region.shape(subsampling)
    return _to(down // subsampling, rows), _to(across // subsampling, columns)


def _edges(start: float, side: float, low: int, high: int) -> NDArray[np.intp]:
    """Where squares begin and end within `low`..`high`, counted from `low`: even, so that chroma has the same."""
    first, last = int(np.floor((low - start) / side)), int(np.ceil((high - start) / side))
    edges = np.rint((start + side * np.arange(first, last + 1) - low) / 2).astype(np.intp) * 2
    return np.unique(np.clip(edges, 0, high - low))


def _squared(samples: Plane, down: NDArray[np.intp], across: NDArray[np.intp]) -> Plane:
    """The mean of each square; down, across: their edges."""
    # 32 bits hold the samples of 8 million pixels, which is less than a large still has.
    sums = cv2.integral(samples, sdepth=cv2.CV_64F)[np.ix_(down, across)]
    totals = np.diff(np.diff(sums, axis=0), axis=1)
    tall, wide = np.diff(down), np.diff(across)
    areas = (tall[:, None] * wide).reshape(len(tall), len(wide), *[1] * (samples.ndim - 2))
    means = np.rint(totals / areas).astype(np.uint8)
    return np.repeat(np.repeat(means, wide, axis=1), tall, axis=0)  # the other way round takes six times as long


def _to(edges: NDArray[np.intp], end: int) -> NDArray[np.intp]:
    """Each edge once, the last of them moved to the end: odd pictures have half a sample of chroma more."""
    return np.unique(np.append(edges[edges < end], end))
