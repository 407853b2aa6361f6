"""How a layout of landmarks says where it has the parts of a face, and what such places are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from shared.model.parts import Part

    Points = NDArray[np.float32]
    Place = Callable[[Points], Points]


@dataclass(frozen=True, slots=True)
class Topology:
    """One layout: functions of its landmarks [n, 2], in pixels of the picture."""

    places: Mapping[Part, Place]
    """[m, 2] for each part that the layout gives."""
    area_px2: Callable[[Points], float]
    """What the oval of a mesh on this face would enclose."""


def at(*indices: int) -> Place:
    """Landmarks as they are, in this order."""
    chosen = np.array(indices, np.intp)
    return lambda points: points[chosen, :]


def middle(*indices: int) -> Place:
    """One point: the mean of landmarks."""
    chosen = np.array(indices, np.intp)
    return lambda points: points[chosen, :].mean(axis=0, keepdims=True)


def mixed(*mixtures: dict[int, float]) -> Place:
    """Weighted sums of landmarks, one dictionary for each point: {landmark: weight}; weights add up to 1.

    So the points turn, grow and move with the landmarks; weights below 0 or above 1 lie beyond them.
    """
    chosen = np.array(sorted({index for mixture in mixtures for index in mixture}), np.intp)
    weights = np.array([[mixture.get(int(index), 0) for index in chosen] for mixture in mixtures], np.float32)
    return lambda points: weights @ points[chosen, :]


def enclosed(ring: Points) -> float:
    """The area within a ring [n, 2] that does not cross itself, in squares of its unit."""
    x, y = ring[:, 0].astype(np.float64), ring[:, 1].astype(np.float64)
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
