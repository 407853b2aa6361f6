"""What bends a face: smooth bumps of local support, whose displacements add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.render.region import Grid

    Vectors = NDArray[np.float32]


MAGNIFIED = 0.7
"""Fraction of a magnifier's radius within which detail grows enough to be worth a sharper resampling."""

NOTICED = 0.08
"""A smaller zoom shows no detail that a linear resampling would blur."""


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

    def times(self, factor: float) -> Self:
        """The same bumps, so many times as strong."""
        strength = np.float32(factor)
        return replace(self, pulls_px=self.pulls_px * strength, zooms=self.zooms * strength)

    def corners_px(self) -> Vectors:
        """[2n, 2]: the corners of the squares around the supports."""
        reach = self.radii_px[:, None]
        return np.concatenate([self.centres_px - reach, self.centres_px + reach])

    def magnified_px(self) -> Vectors:
        """[m, 2, 2]: for each magnifier, upper left and lower right of the square where it enlarges noticeably."""
        noticed = self.zooms < -NOTICED
        centres, reach = self.centres_px[noticed], MAGNIFIED * self.radii_px[noticed, None]
        return np.asarray(np.stack([centres - reach, centres + reach], axis=1), np.float32)

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
        x, y = points_px[:, 0], points_px[:, 1]
        across, down = self._distances(x, y)
        return self._moved(1 - across - down, x, y)

    def field_of_grid(self, xs_px: Vectors, ys_px: Vectors) -> Grid:
        """[rows, columns, 2] float32: the same where rows at `ys_px` and columns at `xs_px` cross."""
        across, down = self._distances(xs_px, ys_px)
        return self._moved((1 - down)[:, :, None] - across[:, None, :], xs_px, ys_px[:, None])

    def _distances(self, x: Vectors, y: Vectors) -> tuple[Vectors, Vectors]:
        """[n, m]: squares of the distances from each centre, in its radii, along both axes."""
        scale = 1 / self.radii_px[:, None]
        return np.square((x - self.centres_px[:, :1]) * scale), np.square((y - self.centres_px[:, 1:]) * scale)

    def _moved(self, nearness: Vectors, x: Vectors, y: Vectors) -> Vectors:
        """[..., 2] of points x, y; nearness: [n, ...], 1 at a centre, 0 and less at and beyond its radius."""
        flat = nearness.reshape(len(nearness), -1)
        cv2.threshold(flat, 0, 0, cv2.THRESH_TOZERO, flat)  # a third of the time of np.maximum with a number
        np.multiply(flat, flat, out=flat)
        pulls = self.pulls_px - self.zooms[:, None] * self.centres_px
        parts = np.concatenate([pulls, self.zooms[:, None]], axis=1).T @ flat
        right, down, zoom = parts.reshape(3, *nearness.shape[1:])
        moved = np.empty((*right.shape, 2), np.float32)
        np.add(right, zoom * x, out=moved[..., 0])
        np.add(down, zoom * y, out=moved[..., 1])
        return moved


LINE_INTEGRAL = 16 / 15
"""Of a bump's weight along a straight line through its centre, in radii."""


def stretches(line_px: Vectors, radius_px: float) -> Vectors:
    """[n]: what each bump along a line [n, 2] is to count, so that they make 1 together wherever the line is."""
    across, down = (line_px[1:] - line_px[:-1]).T
    steps = np.hypot(across, down)
    lengths = np.concatenate([steps[:1], steps[1:] + steps[:-1], steps[-1:]])
    lengths[[0, -1]] *= 2  # an end stands for as much beyond it
    return np.asarray(lengths * np.float32(0.5 / (radius_px * LINE_INTEGRAL)), np.float32)
