"""Where a shape of landmarks lies in the picture: the similarity that all of them have in common."""

from __future__ import annotations

import cmath
import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float32]
    Flat = NDArray[np.complex64]

Step = tuple[float, float, float, float]

LEAST_SPREAD_PX = 1e-3
"""Landmarks closer together than that have no shape."""
SAMPLED_POINTS = 36
"""So many points or fewer tell how a shape trembles, and whose it is."""
TINY = 1e-9
"""Squared spreads: below what float32 tells apart, above 0."""
LEAST_LIKENESS = 0.5
"""Correlation of two shapes, laid onto each other, below which they are not of one face."""
MOST_MISSED = 1 / LEAST_LIKENESS**2 - 1
"""The same as the part of the first shape's squares that remains between the two."""


class Place(NamedTuple):
    """Lays a shape, which has its middle at 0 and a spread of 1, into the picture.

    The spread is the root mean square distance of the landmarks from their middle. Of a face mesh that looks ahead it
    is 0.54 of the distance between the outer corners of the eyes.
    """

    x_px: float
    y_px: float
    log_spread: float
    """Natural logarithm of the spread in pixels."""
    angle_rad: float
    """By which the shape is turned, clockwise as one looks at the picture."""

    def step_to(self, other: Place) -> Step:
        """Right, down, larger, clockwise: each as what it moves the landmarks by (RMS), in spreads of `other`."""
        spread = math.exp(other.log_spread)
        return (
            (other.x_px - self.x_px) / spread,
            (other.y_px - self.y_px) / spread,
            other.log_spread - self.log_spread,
            math.remainder(other.angle_rad - self.angle_rad, math.tau),
        )

    def towards(self, other: Place, shift: float, turn: float) -> Place:
        """Part of the way: `shift` of that across the picture, `turn` of that in scale and angle, 0..1."""
        angle = math.remainder(other.angle_rad - self.angle_rad, math.tau)
        return Place(
            self.x_px + shift * (other.x_px - self.x_px),
            self.y_px + shift * (other.y_px - self.y_px),
            self.log_spread + turn * (other.log_spread - self.log_spread),
            math.remainder(self.angle_rad + turn * angle, math.tau),
        )

    def laid(self, shape: Flat) -> Flat:
        """The shape [n] in pixels of the picture."""
        laid: Flat = shape * cmath.rect(math.exp(self.log_spread), self.angle_rad) + complex(self.x_px, self.y_px)
        return laid


class Found(NamedTuple):
    """Landmarks of one frame, measured once."""

    place: Place
    """With angle 0."""
    away: Flat
    """x + iy of each from the middle of all, in pixels; complex64 [n]."""
    rows_px: Points
    """x, y and z as rows [3, n]: NumPy goes through long rows ten times as fast as through columns."""


def sampled(shape: Flat) -> Flat:
    """Some of its points, from everywhere; all of a small shape."""
    return shape[:: -(-len(shape) // SAMPLED_POINTS)]


@cache
def _ones(count: int) -> Flat:
    return np.ones(count, np.complex64)


@cache
def _real_ones(count: int) -> Points:
    return np.ones(count, np.float32)


def squares(values: Flat) -> Points:
    """Squared lengths, float32 [n]."""
    return (values * values.conj()).real


def found_at(points_px: Points) -> Found | None:
    """Landmarks [n, 3] and their place; None if they are not finite or lie on top of each other.

    Not finite are their squares, too: landmarks beyond 1e18 pixels are none.
    """
    count, every = len(points_px), points_px.reshape(-1)
    if not count or not math.isfinite(np.vdot(every, every)):  # which, unlike `dot`, never warns
        return None
    rows = np.ascontiguousarray(points_px.T)
    x, y = (total / count for total in rows[:2].dot(_real_ones(count)).tolist())
    away = np.empty(count, np.complex64)
    np.subtract(rows[0], x, out=away.real)
    np.subtract(rows[1], y, out=away.imag)
    spread = math.sqrt(np.vdot(away, away).real / count)
    return Found(Place(x, y, math.log(spread), 0.0), away, rows) if spread > LEAST_SPREAD_PX else None


def fit(shape: Flat, away: Flat, middle: complex = 0j) -> tuple[Place, Flat] | None:
    """Where landmarks [n] have a shape [n], and by how much each misses it [n], in spreads; None for another shape.

    away: from `middle`, which is the landmarks' own. Least squares, once more with the weights
    1 / (1 + miss² / mean miss²), so that a mouth that opens does not move the head. Shapes are complex64.
    """
    norm = float(np.vdot(shape, shape).real)
    turn = complex(np.vdot(shape, away)) / norm
    if not turn:
        return None
    miss = away * (1 / turn)
    miss -= shape
    missed = float(np.vdot(miss, miss).real)
    if missed > MOST_MISSED * norm:
        return None
    mean_missed = max(missed, TINY) / len(shape)
    # Complex, so that what follows need not be converted; `dot` is quicker than `sum`.
    weight = np.reciprocal(squares(miss) + mean_missed).astype(np.complex64)
    weighted, ones = shape * weight, _ones(len(shape))
    whole = float(weight.dot(ones).real)
    shape_middle, away_middle = complex(weighted.dot(ones)) / whole, complex(weight.dot(away)) / whole
    across = shape_middle.conjugate() * whole
    turn = (complex(np.vdot(weighted, away)) - across * away_middle) / (
        complex(np.vdot(weighted, shape)) - across * shape_middle
    )
    centre = away_middle - turn * shape_middle
    miss = away * (1 / turn)
    miss -= shape
    miss -= centre / turn
    centre += middle
    return Place(centre.real, centre.imag, math.log(abs(turn)), cmath.phase(turn)), miss
