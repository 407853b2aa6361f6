"""How a head is turned, from the points of its face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.model.faces import Layout, Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.model.faces import Face

    Floats = NDArray[np.float64]

MEAN_HEAD = {
    33: (-0.500, 0.000, 0.000),
    133: (-0.197, 0.017, -0.058),
    362: (0.197, 0.017, -0.058),
    263: (0.500, 0.000, 0.000),
    127: (-0.778, 0.001, 0.542),
    356: (0.778, 0.001, 0.542),
    103: (-0.552, -0.488, -0.011),
    332: (0.552, -0.488, -0.011),
    98: (-0.183, 0.492, -0.181),
    327: (0.183, 0.492, -0.181),
    61: (-0.291, 0.727, -0.040),
    291: (0.291, 0.727, -0.040),
    151: (0.000, -0.395, -0.255),
    9: (0.000, -0.206, -0.272),
    8: (0.000, -0.112, -0.252),
    168: (0.000, -0.033, -0.243),
    6: (0.000, 0.055, -0.286),
    197: (0.000, 0.138, -0.335),
    195: (0.000, 0.217, -0.390),
    5: (0.000, 0.301, -0.447),
    4: (0.000, 0.399, -0.468),
    1: (0.000, 0.470, -0.440),
    2: (0.000, 0.527, -0.269),
}
"""Points of the face mesh on a head that looks into the camera: x to the right and y down in the picture, z away from
the camera; the unit is the distance between the outer corners of the eyes.

Made by `tests/bench/mean_face.py` from what Face Mesh says of five people before a camera: laid onto each other
(generalised Procrustes), averaged and made symmetric. A portrait that looks into the camera sets the zero of pitch.
"""

_MOUTH = (61, 291)
_RIGID = tuple(index for index in MEAN_HEAD if index not in _MOUTH)
_OF_IBUG = {
    **{27: 168, 28: 6, 29: 195, 30: 4, 31: 98, 33: 2, 35: 327},
    **{36: 33, 39: 133, 42: 362, 45: 263},
    **{48: 61, 54: 291},
}
"""Points of 68 and those of the mesh that lie in the same places."""
_OF_FIVE: tuple[tuple[int, ...], ...] = ((33, 133), (362, 263), (4,), (61,), (291,))
"""Points of five and those of the mesh between which they lie."""


@dataclass(frozen=True, slots=True)
class HeadView:
    """How a head stands before the camera, seen from afar (scaled orthographic)."""

    turn: Floats
    """[3, 3]: rotation from the mean head's axes to those of the picture."""
    scale_px: float
    """Pixels that the mean head's unit, the distance between the outer corners of the eyes, has unturned."""
    origin_px: Floats
    """[2]: x, y in the picture of the mean head's origin, midway between the outer corners of the eyes."""

    def offset_px(self, on_head: tuple[float, float, float]) -> NDArray[np.float32]:
        """[2]: x, y in the picture of a way on the mean head."""
        return np.asarray(self.turn[:2] @ on_head * self.scale_px, np.float32)


def head_pose(face: Face) -> Pose:
    """How the head is turned, degrees, for any layout. Below 0.1 ms.

    The head turns about its own axis (yaw), then nods (pitch), then tilts in the picture (roll), so that a picture that
    is turned changes the roll and nothing else. A mesh, which has depth, is compared with the mean head in space; of
    points without depth the nearest scaled orthographic view of it is taken; a broad smile, which lifts the corners of
    the mouth, makes that look down by some ten degrees. Perspective is left out: a face at the edge of a wide picture
    is turned as the camera sees it there.
    """
    turn = head_view(face.landmarks_px).turn
    yaw = math.atan2(turn[2, 0], turn[2, 2])
    pitch = -math.asin(min(max(turn[2, 1], -1.0), 1.0))
    roll = math.atan2(-turn[0, 1], turn[1, 1])
    return Pose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll))


def head_view(landmarks_px: NDArray[np.float32]) -> HeadView:
    """The same as a rotation, with the head's size; landmarks [n, 3] of any layout."""
    layout = Layout(len(landmarks_px))
    return _view_of_mesh(landmarks_px) if layout is Layout.MESH else _view_of_points(landmarks_px, layout)


def _view_of_mesh(landmarks_px: NDArray[np.float32]) -> HeadView:
    """The rotation and size of the mean head that lay it onto the mesh [468, 3] (Kabsch 1976, Umeyama 1991)."""
    # The mean head's points are centred, so that those of the face need not be.
    rigid = landmarks_px.take(_RIGID_INDEX, axis=0)
    u, stretches, vt = np.linalg.svd(rigid.T @ _HEAD)
    turn = u @ vt
    one, two, three = stretches.tolist()
    (a, b, c), (d, e, f), (g, h, i) = turn.tolist()
    if a * (e * i - f * h) + b * (f * g - d * i) + c * (d * h - e * g) < 0:  # a mirror
        turn -= 2 * u[:, 2:] * vt[2]
        three = -three
    return _placed(np.asarray(turn), (one + two + three) / _HEAD_SQUARE, rigid, _HEAD_MIDDLE)


def _view_of_points(landmarks_px: NDArray[np.float32], layout: Layout) -> HeadView:
    """The scaled orthographic view of the mean head that lies nearest to points without depth."""
    indices, view, middle = _VIEWS[layout]
    seen = landmarks_px[indices, :2]
    u, stretches, vt = np.linalg.svd(seen.T @ view, full_matrices=False)
    (a, b, c), (d, e, f) = u @ vt
    turn = np.array([(a, b, c), (d, e, f), (b * f - c * e, c * d - a * f, a * e - b * d)])
    return _placed(turn, float(stretches.sum()) / 2, seen, middle)


def _placed(turn: Floats, scale_px: float, seen_px: NDArray[np.float32], middle: Floats) -> HeadView:
    """seen_px: points [n, 2 or 3] of the face, whose middle on the mean head is `middle` [3]."""
    return HeadView(turn, scale_px, seen_px[:, :2].mean(axis=0) - turn[:2] @ middle * scale_px)


def _centred(points: Floats) -> Floats:
    return np.asarray(points - points.mean(axis=0))


def _view(indices: list[int], head: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """What turns points [n, 2] of a layout, at `indices`, into the affine view [2, 3] of the head's points [n, 3].

    The last is the middle of these points.
    """
    return np.array(indices), np.asarray(np.linalg.pinv(_centred(head)).T, np.float64), head.mean(axis=0)


_RIGID_INDEX = np.array(_RIGID)
_RIGID_POINTS = np.array([MEAN_HEAD[index] for index in _RIGID])
_HEAD, _HEAD_MIDDLE = _centred(_RIGID_POINTS), _RIGID_POINTS.mean(axis=0)
_HEAD_SQUARE = float(np.sum(_HEAD**2))
_VIEWS = {
    Layout.IBUG: _view(list(_OF_IBUG), np.array([MEAN_HEAD[index] for index in _OF_IBUG.values()])),
    Layout.FIVE: _view(
        list(range(5)), np.array([np.mean([MEAN_HEAD[one] for one in between], axis=0) for between in _OF_FIVE])
    ),
}
