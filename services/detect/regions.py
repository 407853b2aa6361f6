"""Where the landmark model looks: a square around a face, turned with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from shared.model.faces import Face

    Floats = NDArray[np.float32]
    Affine = NDArray[np.float64]
    Box = tuple[float, float, float, float]

T = TypeVar("T")
_MARGIN = 1.5
"""Side of the square over the longer side of the face's box (face_detection_front_detection_to_roi.pbtxt and
face_landmark_landmarks_to_roi.pbtxt in MediaPipe)."""
_CHIN_SHIFT, _CHIN_SIDE = 0.19, 1.17
"""In sides of the square. Medians over 51 faces in four clips, turned by 140 to 220 degrees, that were seen so."""
_RIGHT_EYE, _LEFT_EYE = 33, 263
"""Outer corners in the face mesh; "right" is the person's own."""


@dataclass(frozen=True, slots=True)
class Region:
    """A square in a picture."""

    centre_px: tuple[float, float]
    side_px: float
    angle_rad: float
    """From the picture's rows to the line from the right eye to the left; clockwise as one looks at it."""

    @classmethod
    def of_detection(cls, box_px: Box, keypoints_px: Floats) -> Region:
        """Around a detector's box; keypoints [6, 2] begin with the right eye and the left."""
        return cls._around(box_px, keypoints_px[0], keypoints_px[1])

    @classmethod
    def of_face(cls, face: Face) -> Region:
        """Around the landmarks of the last frame."""
        landmarks = face.landmarks_px
        return cls._around(face.box_px, landmarks[_RIGHT_EYE], landmarks[_LEFT_EYE])

    @classmethod
    def _around(cls, box_px: Box, right_eye: Floats, left_eye: Floats) -> Region:
        x0, y0, x1, y1 = box_px
        angle = math.atan2(float(left_eye[1] - right_eye[1]), float(left_eye[0] - right_eye[0]))
        return cls(((x0 + x1) / 2, (y0 + y1) / 2), max(x1 - x0, y1 - y0) * _MARGIN, angle)

    @property
    def upside_down(self) -> Region:
        """Where the face is if the detector took its chin for its forehead."""
        up = self.side_px * _CHIN_SHIFT
        x, y = self.centre_px
        centre = (x + up * math.sin(self.angle_rad), y - up * math.cos(self.angle_rad))
        return Region(centre, self.side_px * _CHIN_SIDE, self.angle_rad + math.pi)

    def affine(self, size_px: int) -> Affine:
        """[2, 3]: from column and row of an upright crop of size_px x size_px to the picture."""
        scale, half = self.side_px / size_px, size_px / 2
        along, across = scale * math.cos(self.angle_rad), scale * math.sin(self.angle_rad)
        x, y = self.centre_px
        return np.array(
            [[along, -across, x - (along - across) * half], [across, along, y - (across + along) * half]], np.float64
        )

    def placed(self, landmarks: Floats) -> Floats:
        """Landmarks [n, 3] in 0..1 of the crop's side, in pixels of the picture; depth grows as width does."""
        (along, back, x), (across, _, y) = self.affine(1).tolist()
        turned = np.array([[along, across, 0], [back, along, 0], [0, 0, self.side_px]], np.float32)
        placed = landmarks @ turned
        placed += np.array((x, y, 0), np.float32)
        return np.asarray(placed, np.float32)


def shared_part(a: Box, b: Box) -> float:
    """How much of the smaller of two boxes lies in the other, 0..1."""
    width, height = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 0.0


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width, height = (max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]), 0.0) for i in (0, 1))
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - width * height
    return width * height / both if both > 0 else 0.0


def distinct(things: Iterable[T], same: Callable[[T, T], bool]) -> list[T]:
    """In their order, without those that are the same as one that stands before them and is kept."""
    kept: list[T] = []
    for thing in things:
        if not any(same(thing, other) for other in kept):
            kept.append(thing)
    return kept
