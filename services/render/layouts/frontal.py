"""A face that looks ahead, in every layout: what effects of one's own are tried on before anybody sees them.

The mesh is that of the face template (shared/model/template.py). 68 and 5 points are taken from it where iBUG 300-W and
detectors of five points mark a face.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from shared.model.faces import Layout
from shared.model.template import face_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float32]

_RIGHT_SIDE: Final = (127, 234, 93, 58, 172, 136, 149, 148, 152)
_LEFT_SIDE: Final = (377, 378, 365, 397, 288, 323, 454, 356)
"""From ear to chin, and on from there to the other ear."""
INNER: Final = (
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
)
"""Brows, nose, eyes and lips, in the order of 300-W."""


@cache
def frontal(layout: Layout) -> Points:
    """[n, 3] float32, read-only: landmarks of a face 1 wide, around 0, 0; z is 0 for 68 and 5 points."""
    points = face_template().points
    low, high = points.min(axis=0), points.max(axis=0)
    middle = np.array((*(low + high)[:2] / 2, points[:, 2].mean()), np.float32)
    found: Points = _OF_MESH[layout]((points - middle) / (high - low)[0])
    found.flags.writeable = False
    return found


def five(mesh: Points) -> Points:
    """[5, 3] float32, z 0: the middles of the eyes, the nose's tip and the mouth's corners of a mesh."""
    eyes = [mesh[list(INNER[start : start + 6])].mean(axis=0) for start in (19, 25)]
    points = np.stack([*eyes, mesh[4], mesh[61], mesh[291]])
    return np.asarray(points * (1, 1, 0), np.float32)


_OF_MESH: Final = {
    Layout.MESH: lambda mesh: mesh,
    Layout.IBUG: lambda mesh: mesh[[*_RIGHT_SIDE, *_LEFT_SIDE, *INNER]] * np.array((1, 1, 0), np.float32),
    Layout.FIVE: five,
}
