"""Where a shape of landmarks lies in the picture: the similarity that all of them have in common."""

from __future__ import annotations

import cmath
import math
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

    def shape_of(self, points: Flat) -> Flat:
        """The shape [n] of landmarks that lie here."""
        shape: Flat = (points - complex(self.x_px, self.y_px)) * cmath.rect(math.exp(-self.log_spread), -self.angle_rad)
        return shape

    def laid(self, shape: Flat) -> Flat:
        """The shape [n] in pixels of the picture."""
        laid: Flat = shape * cmath.rect(math.exp(self.log_spread), self.angle_rad) + complex(self.x_px, self.y_px)
        return laid


def flat(points_px: Points) -> Flat:
    """x + iy, complex64 [n], of landmarks [n, 3]."""
    return np.ascontiguousarray(points_px[:, :2]).view(np.complex64)[:, 0]


def sampled(shape: Flat) -> Flat:
    """Some of its points, from everywhere; all of a small shape."""
    return shape[:: -(-len(shape) // SAMPLED_POINTS)]


def squares(values: Flat) -> Points:
    """Squared lengths, float32 [n]."""
    return (values * values.conj()).real


def place_of(points_px: Points) -> Place | None:
    """The place of landmarks [n, 3] as they are, with angle 0; None if they are not finite or lie on top of each other.

    Not finite are their squares, too: landmarks beyond 1e18 pixels are none.
    """
    every = points_px.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        squared = float(np.dot(every, every))
    if not math.isfinite(squared) or not len(points_px):
        return None
    points = flat(points_px)
    middle = complex(np.add.reduce(points)) / len(points)
    away = points - middle
    spread = math.sqrt(float(np.vdot(away, away).real) / len(points))
    return Place(middle.real, middle.imag, math.log(spread), 0.0) if spread > LEAST_SPREAD_PX else None


def fit(shape: Flat, points: Flat) -> tuple[Place, Flat] | None:
    """Where landmarks [n] have a shape [n], and by how much each misses it [n], in spreads; None for another shape.

    Least squares, once more with the weights 1 / (1 + miss² / mean miss²), so that a mouth that opens does not move
    the head. Both are complex64.
    """
    middle = complex(np.add.reduce(points)) / len(points)
    away = points - middle
    norm = float(np.vdot(shape, shape).real)
    turn = complex(np.vdot(shape, away)) / norm
    if abs(turn) ** 2 * norm < LEAST_LIKENESS**2 * float(np.vdot(away, away).real):
        return None
    missed = squares(away * (1 / turn) - shape)
    weight = np.reciprocal(missed * (len(points) / max(float(np.add.reduce(missed)), TINY)) + 1)
    weight *= 1 / float(np.add.reduce(weight))
    shape_middle, away_middle = complex(weight @ shape), complex(weight @ away)
    centred = (shape - shape_middle) * weight
    turn = complex(np.vdot(centred, away)) / complex(np.vdot(centred, shape))
    centre = away_middle - turn * shape_middle
    miss = (away - centre) * (1 / turn) - shape
    centre += middle
    return Place(centre.real, centre.imag, math.log(abs(turn)), cmath.phase(turn)), miss
