"""Geometry effects as one displacement field of smooth bumps, and the one resampling that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from services.render.region import Grid, Plane, Region, Scratch

    Vectors = NDArray[np.float32]


MAGNIFIED = 0.7
"""Fraction of a magnifier's radius within which detail grows enough to be worth a sharper resampling."""


@dataclass(frozen=True, slots=True)
class Bumps:
    """Pulls and magnifiers of local support.

    Around each centre c, with weight k = (1 - (d / radius)²)² for a distance d below the radius and 0 beyond, a point p
    of the result shows what lay at p + k * (pull + zoom * (p - c)). The weight and its slope are 0 at the radius.
    """

    centres_px: Vectors
    """[n, 2] x, y in the picture."""
    radii_px: Vectors
    """[n], above 0."""
    pulls_px: Vectors
    """[n, 2]: where the sample is taken from, relative to where it is shown."""
    zooms: Vectors
    """[n]: below 0 magnifies; -0.2 shows the centre 1 / 0.8 as large."""

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All bumps of all parts."""
        return cls(
            np.concatenate([part.centres_px for part in parts]),
            np.concatenate([part.radii_px for part in parts]),
            np.concatenate([part.pulls_px for part in parts]),
            np.concatenate([part.zooms for part in parts]),
        )

    def corners_px(self) -> Vectors:
        """[2n, 2]: the corners of the squares around the supports."""
        reach = self.radii_px[:, None]
        return np.concatenate([self.centres_px - reach, self.centres_px + reach])

    def magnified_px(self) -> Iterator[Vectors]:
        """[2, 2] for each magnifier: upper left and lower right of the square where it enlarges noticeably."""
        for centre, radius, zoom in zip(self.centres_px, self.radii_px, self.zooms, strict=True):
            if zoom:
                yield np.stack([centre - MAGNIFIED * radius, centre + MAGNIFIED * radius])

    @classmethod
    def pulling(cls, centres_px: Vectors, radius_px: float, moves_px: Vectors) -> Self:
        """Bumps of one radius that move what lies at the centres [n, 2] by `moves_px` [n, 2]."""
        count = len(centres_px)
        return cls(
            np.asarray(centres_px, np.float32),
            np.full(count, radius_px, np.float32),
            np.asarray(-moves_px, np.float32),
            np.zeros(count, np.float32),
        )

    @classmethod
    def closing(cls, right_px: Vectors, left_px: Vectors, amounts: Vectors, radius_px: float) -> Self:
        """Bumps along two lines [n, 2] that move each point towards its opposite, by `amounts` [n] of half the way.

        Each bump counts for the stretch of line that it stands for, so that their sum is even along the line.
        """
        inwards = (left_px - right_px) / 2 * amounts[:, None]
        moves = [stretches(right_px, radius_px)[:, None] * inwards, -stretches(left_px, radius_px)[:, None] * inwards]
        return cls.pulling(np.concatenate([right_px, left_px]), radius_px, np.concatenate(moves))

    @classmethod
    def zooming(cls, centres_px: Vectors, radii_px: Vectors, zooms: Vectors) -> Self:
        """Magnifiers around the centres [n, 2], each with its radius [n] and zoom [n]."""
        centres, radii = np.asarray(centres_px, np.float32), np.asarray(radii_px, np.float32)
        return cls(centres, radii, np.zeros_like(centres), np.asarray(zooms, np.float32))

    def field(self, points_px: Vectors) -> Vectors:
        """[m, 2] float32: the displacement in pixels at each of the points [m, 2]."""
        middle = self.centres_px.mean(axis=0)  # coordinates near 0 keep float32 sharp in the expanded square below
        points, centres = points_px - middle, self.centres_px - middle
        x, y, one = points[:, 0], points[:, 1], np.ones(len(points), np.float32)
        squares = (centres**2).sum(axis=1)
        polynomial = np.stack([squares, -2 * centres[:, 0], -2 * centres[:, 1], np.ones_like(squares)])
        weights = 1 - np.stack([one, x, y, x * x + y * y], axis=1) @ (polynomial / self.radii_px**2)
        np.maximum(weights, 0, out=weights)
        np.square(weights, out=weights)
        pulls = self.pulls_px - self.zooms[:, None] * centres
        moves = weights @ np.concatenate([pulls, self.zooms[:, None]], axis=1)
        moves[:, 0] += x * moves[:, 2]
        moves[:, 1] += y * moves[:, 2]
        return np.ascontiguousarray(moves[:, :2], np.float32)


LINE_INTEGRAL = 16 / 15
"""Of a bump's weight along a straight line through its centre, in radii."""


def stretches(line_px: Vectors, radius_px: float) -> Vectors:
    """[n]: what each bump along a line [n, 2] is to count, so that they make 1 together wherever the line is."""
    steps = np.linalg.norm(np.diff(line_px, axis=0), axis=1)
    lengths = (np.concatenate([steps[:1], steps]) + np.concatenate([steps, steps[-1:]])) / 2
    return np.asarray(lengths / np.float32(radius_px * LINE_INTEGRAL), np.float32)


def displacement(bumps: Bumps, region: Region) -> Grid:
    """[rows, columns, 2] float32: pixels by which the centre of each of the region's cells is displaced."""
    return bumps.field(region.centres_px()).reshape(*region.cells, 2)


LEAST_AREA = 0.25
"""A cell is shown on at least so much of its area: below 0 the picture would fold, near it detail is crushed."""


def unfolded(field: Grid, step: int) -> Grid:
    """The field, weakened as a whole as far as the picture would fold or crush anywhere.

    field: [rows, columns, 2] pixels, cells of `step` pixels. With the field times s the area that a point's
    surroundings are taken from is 1 + s * trace + s² * determinant of the field's slopes (its Jacobian).
    """
    down = np.diff(field, axis=0)[:, :-1] * np.float32(1 / step)
    right = np.diff(field, axis=1)[:-1] * np.float32(1 / step)
    trace = right[..., 0] + down[..., 1]
    determinant = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    if not trace.size or float((trace + determinant).min()) >= LEAST_AREA - 1:
        return field
    return field * np.float32(_most(trace, determinant))


def _most(trace: Grid, determinant: Grid) -> float:
    """The largest s in 0..1 for which 1 + s * trace + s² * determinant is LEAST_AREA or more everywhere."""
    low, high = 0.0, 1.0
    for _ in range(10):
        middle = (low + high) / 2
        is_within = float((middle * trace + middle * middle * determinant).min()) >= LEAST_AREA - 1
        low, high = (middle, high) if is_within else (low, middle)
    return low


def resample(moves: Grid, samples: Plane, scratch: Scratch, sharp: Sequence[tuple[slice, slice]] = ()) -> None:
    """Move samples in place: each becomes the one that lies `moves` [rows, columns, 2] samples away from it.

    sharp: parts (rows, columns) where detail is magnified: cubic there, which takes three times as long, linear
    elsewhere. Both are exact where nothing moves. Cubic is held within the extremes around: ringing does not leave the
    nominal range.
    """
    before = scratch.copy(samples, "before")
    _remap(before, moves, cv2.INTER_LINEAR, samples)
    for part in sharp:
        origin = (part[1].start, part[0].start, 0, 0)
        away = cv2.add(moves[part], origin)  # type: ignore[call-overload] # the stub forgets that a scalar will do
        _remap(before, away, cv2.INTER_CUBIC, samples[part])
        np.maximum(samples[part], before[part].min(), out=samples[part])
        np.minimum(samples[part], before[part].max(), out=samples[part])


def _remap(before: Plane, moves: Grid, how: int, samples: Plane) -> None:
    flags = how | cv2.WARP_RELATIVE_MAP
    cv2.remap(before, moves, None, flags, samples, cv2.BORDER_REPLICATE)  # type: ignore[call-overload] # no second map
