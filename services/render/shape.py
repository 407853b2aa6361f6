"""What the effects know of a face's geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.render.topology import FACE_OVAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.model.faces import Face

SMALLEST_PX = 12.0
"""A face whose scale is below this is left alone: none of its features is larger than a pixel or two."""
FARTHEST_PX = 100_000.0
"""Landmarks beyond this are no landmarks."""


@dataclass(frozen=True, slots=True)
class FaceShape:
    """A face's landmarks in the picture's plane."""

    points_px: NDArray[np.float32]
    """[468, 2] x, y."""
    scale_px: float
    """Square root of the area within the face's oval: about its width, however the head is tilted."""

    @classmethod
    def of(cls, face: Face) -> FaceShape | None:
        """The shape of a face, or None where the landmarks do not span one."""
        points = np.ascontiguousarray(face.landmarks_px[:, :2])
        if not np.isfinite(points).all() or np.abs(points).max() > FARTHEST_PX:
            return None
        scale = float(np.sqrt(_area(points[FACE_OVAL, :].astype(np.float64))))
        return cls(points, scale) if scale >= SMALLEST_PX else None

    def ring(self, indices: tuple[int, ...]) -> NDArray[np.float32]:
        """[n, 2] x, y of the named landmarks."""
        return self.points_px[indices, :]


def _area(ring: NDArray[np.float64]) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
