"""What must be hidden so that nobody is recognised: the whole head, not just the face that landmarks mark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.render.pose import head_view
from services.render.region import step_of
from services.render.shape import FARTHEST_PX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from shared.model.faces import Face
    from shared.model.frames import Box

    Points = NDArray[np.float32]

HALF_AXES = (1.2, 1.5, 1.3)
"""Of the ellipsoid around a skull with its ears and short hair: to the side, up and down, forth and back, in distances
between the outer corners of the eyes, some 90 mm (Farkas, Anthropometry of the Head and Face, 1994). Men's heads are on
average 152 mm wide, with ears that stand off by 21 mm, 232 mm high from chin to crown and 197 mm long (Gordon and
others, 1988 Anthropometric Survey of U.S. Army Personnel): half of that is 1.04, 1.3 and 1.1 of the unit, and the rest
is margin."""
MIDDLE = (0.0, 0.0, 0.75)
"""Its middle, in the mean head's space: at the height of the eyes, behind them."""
CHIN = (0.0, 1.35, -0.1)
"""Where the mean head's space has it; of few landmarks none marks it."""
MARGIN = 0.18
"""Around the chin and all landmarks, in the same unit: chins, noses and open mouths reach out of the ellipsoid."""
BOX_REACH = 1.15
"""Radius of the circle around what only has a box, in longer sides of it. BlazeFace's box has its middle 0.38 below the
eyes and sides of 1.75, both in the unit above: the crown of a head that is tilted any way lies within."""
FACE_WIDTH = 0.65
"""Of a face (between the cheekbones, some 140 mm) to `size_px` of its head that looks ahead."""
_ANGLES = np.linspace(0, 2 * np.pi, 32, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_AXES = np.diag(HALF_AXES)


@dataclass(frozen=True, slots=True)
class Head:
    """A head in the picture's plane."""

    ring_px: Points
    """[n, 2] x, y: a convex ring around it."""

    @classmethod
    def of(cls, face: Face) -> Head | None:
        """Of a face of any layout, turned any way; None where the landmarks are not finite or lie on one spot."""
        points = face.landmarks_px[:, :2]
        if not np.isfinite(face.landmarks_px).all() or np.abs(points).max() > FARTHEST_PX or not np.ptp(points):
            return None
        view = head_view(face.landmarks_px)
        skull = view.origin_px + view.offset_px(MIDDLE) + _CIRCLE @ _root(view.turn[:2] @ _AXES) * view.scale_px
        chin = view.origin_px + view.offset_px(CHIN)
        outline = np.concatenate([_hull(points), _corners(face.box_px), chin[None]])
        around = (outline[:, None] + MARGIN * view.scale_px * _CIRCLE[::4]).reshape(-1, 2)
        return cls(_hull(np.concatenate([skull, around])))

    @classmethod
    def at(cls, box_px: Box) -> Head:
        """Of what has no landmarks, only a detector's box."""
        x0, y0, x1, y1 = box_px
        reach = BOX_REACH * max(x1 - x0, y1 - y0)
        return cls((np.array(((x0 + x1) / 2, (y0 + y1) / 2)) + reach * _CIRCLE).astype(np.float32))

    @property
    def size_px(self) -> float:
        """Square root of its area."""
        return math.sqrt(cv2.contourArea(self.ring_px))

    def step(self, cells: int) -> int:
        """Pixels along a cell of a region's grid, so that the size is at most `cells` of them: as FaceShape has it."""
        return step_of(max(self.size_px, 1.0), cells)

    def widened(self, reach_px: float) -> Head:
        """With so many pixels around it."""
        return Head(_hull((self.ring_px[:, None] + reach_px * _CIRCLE[::2]).reshape(-1, 2)))

    def grown(self, times: float) -> Head:
        """So many times as large around its middle."""
        middle = self.ring_px.mean(axis=0)
        return Head(middle + (self.ring_px - middle) * np.float32(times))


def heads_of(faces: Iterable[Face]) -> list[Head]:
    """Of all: by the box where the landmarks span none, if that is one."""
    found = (Head.of(face) or (Head.at(face.box_px) if _is_box(face.box_px) else None) for face in faces)
    return [head for head in found if head is not None]


def _is_box(box_px: Box) -> bool:
    x0, y0, x1, y1 = box_px
    return max(map(abs, box_px)) <= FARTHEST_PX and x1 - x0 >= 1 and y1 - y0 >= 1


def _root(view: NDArray[np.float64]) -> NDArray[np.float64]:
    """[2, 2]: makes the unit circle's points, as rows, the outline of what a view [2, 3] makes of the unit ball."""
    values, vectors = np.linalg.eigh(view @ view.T)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def _hull(points: NDArray[np.floating]) -> Points:
    return np.asarray(cv2.convexHull(np.ascontiguousarray(points, np.float32))[:, 0], np.float32)


def _corners(box_px: Box) -> NDArray[np.float32]:
    """Middles of the sides: what a box is drawn around touches these, and seldom its corners."""
    x0, y0, x1, y1 = box_px
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return np.array([(x0, y), (x1, y), (x, y0), (x, y1)], np.float32)
