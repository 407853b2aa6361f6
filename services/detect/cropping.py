"""Where a landmark model looks for its points, as it was trained to: how much around them, and where they lie in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.detect.eyes import centres
from services.detect.models.registry import Family
from services.detect.regions import Region
from shared.model.faces import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.detect.contracts import Detection
    from shared.model.faces import Face

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CropRule:
    """A square about the points of the frame before, or about a detector's box, upright by the line of the eyes."""

    of_points: float
    """Side of the square over the longer side of the box about the points, drawn along the line of the eyes."""
    down: float = 0.0
    """How far its middle lies below that of the box, in parts of the box's longer side."""
    of_detection: float = 1.1
    """Side of the square over the longer side of a detector's box: a first guess, that the points then mend."""

    def around_detection(self, seen: Detection) -> Region:
        """About a detector's box, turned by its eyes."""
        first = Region.of_detection(seen.box_px, seen.keypoints_px)
        x0, y0, x1, y1 = seen.box_px
        return Region(first.centre_px, max(x1 - x0, y1 - y0) * self.of_detection, first.angle_rad)

    def around_face(self, face: Face) -> Region:
        """About the landmarks of the frame before, of 68 or 5 points."""
        points = face.landmarks_px[:, :2].astype(np.float64)
        right_eye, left_eye = centres(points)
        angle = math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
        along, across = math.cos(angle), math.sin(angle)
        upright = points @ np.array([[along, -across], [across, along]])
        low, high = upright.min(axis=0), upright.max(axis=0)
        longer = float((high - low).max())
        middle = (low + high) / 2 + (0, self.down * longer)
        x, y = np.array([[along, -across], [across, along]]) @ middle
        return Region((float(x), float(y)), longer * self.of_points, angle)


def rule_of(family: Family, points: int) -> CropRule | None:
    """How models of the family, with so many points, are shown a face; None: as the face mesh (`Region`)."""
    if family is Family.FACEMESH:
        return None
    return _OF_FIVE if points == Layout.FIVE else _OF_68.get(family, _OF_HEAT_MAPS)


# Of 1.0 to 1.5, margins of 1.1 to 1.2 came nearest to the mesh at eight points that both have, on three clips, and
# following keeps its size over 300 frames with them.
_OF_68 = {Family.PFLD: CropRule(of_points=1.15)}
# HRNet's own: 1.25 times the box about the points (HRNet-Facial-Landmark-Detection, lib/datasets/face300w.py).
_OF_HEAT_MAPS = CropRule(of_points=1.25)
# The box about the mesh's counterparts of 68 points is 2.04 times as long (1.9 to 2.2) as the one about eyes, nose and
# mouth corners in three clips, and its middle lies 0.14 of the latter's length lower.
_OF_FIVE = CropRule(of_points=1.25 * 2.04, down=0.14)
