"""Where each layout of landmarks has the parts of a face: the one place that knows landmarks by their numbers.

Sources: for the MediaPipe Face Mesh its own connection sets FACEMESH_FACE_OVAL, _LIPS, _LEFT_EYE, _RIGHT_EYE,
_LEFT_EYEBROW and _RIGHT_EYEBROW (MediaPipe 0.10), walked into closed rings; for 68 points the mark-up of iBUG 300-W.
What a layout does not mark is placed in proportion to what it does, so that it turns and tilts with the face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shared.model.faces import Layout
from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Points = NDArray[np.float32]
    Place = Callable[[Points], Points]


@dataclass(frozen=True, slots=True)
class Topology:
    """One layout: functions of its landmarks [n, 2], in pixels of the picture."""

    places: Mapping[Part, Place]
    """[m, 2] for each part that the layout gives."""
    area_px2: Callable[[Points], float]
    """What the oval of a mesh on this face would enclose."""


def _at(*indices: int) -> Place:
    chosen = np.array(indices, np.intp)
    return lambda points: points[chosen, :]


def _middle(*indices: int) -> Place:
    chosen = np.array(indices, np.intp)
    return lambda points: points[chosen, :].mean(axis=0, keepdims=True)


def _mixed(*mixtures: dict[int, float]) -> Place:
    """Weighted means of landmarks, one dictionary for each point: {landmark: weight}, weights adding up to 1."""
    chosen = np.array(sorted({index for mixture in mixtures for index in mixture}), np.intp)
    weights = np.array([[mixture.get(int(index), 0) for index in chosen] for mixture in mixtures], np.float32)
    return lambda points: weights @ points[chosen, :]


def _enclosed(ring: Points) -> float:
    x, y = ring[:, 0].astype(np.float64), ring[:, 1].astype(np.float64)
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


_MESH_OVAL: Final = _at(
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""From the top of the forehead round the face."""
_MESH_TOP, _MESH_CHIN = 10, 152
_MESH_RIGHT_EYE: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_MESH_LEFT_EYE: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
"""From the outer corner along the lower lid to the inner corner and back along the upper lid."""
FOREHEAD = 0.06
"""How far the forehead goes on above the mesh, in heights of the mesh. Hair that hangs lower is told by its colour."""


def _mesh_to_the_hairline(points: Points) -> Points:
    ring, top, chin = _MESH_OVAL(points), points[_MESH_TOP], points[_MESH_CHIN]
    up = top - chin
    height = (ring - (top + chin) / 2) @ up / max(1.0, float(up @ up))  # -0.5 at the chin, 0.5 at the top
    return np.asarray(ring + np.clip(2 * height, 0, 1)[:, None] ** 2 * up * np.float32(FOREHEAD), np.float32)


_MESH: Final = Topology(
    places={
        Part.OVAL: _mesh_to_the_hairline,
        Part.RIGHT_JAW: _at(93, 132, 58, 172, 136, 150, 149, 176, 148),
        Part.LEFT_JAW: _at(323, 361, 288, 397, 365, 379, 378, 400, 377),
        Part.CHIN: _at(_MESH_CHIN),
        Part.RIGHT_EYE: _at(*_MESH_RIGHT_EYE),
        Part.LEFT_EYE: _at(*_MESH_LEFT_EYE),
        Part.RIGHT_EYE_CENTRE: _middle(*_MESH_RIGHT_EYE),
        Part.LEFT_EYE_CENTRE: _middle(*_MESH_LEFT_EYE),
        Part.RIGHT_EYE_CORNERS: _at(33, 133),
        Part.LEFT_EYE_CORNERS: _at(263, 362),
        Part.RIGHT_BROW: _at(46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
        Part.LEFT_BROW: _at(276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
        Part.NOSE_RIDGE: _at(168, 197, 5, 4),
        Part.NOSE_TIP: _at(4),
        Part.LIPS: _at(
            *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
        ),
        Part.MOUTH: _at(
            *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
        ),
        Part.MOUTH_CORNERS: _at(61, 291),
        Part.BARE_SKIN: _at(
            *(50, 101, 36, 205, 187, 117, 118, 280, 330, 266, 425, 411, 346, 347),
            *(151, 9, 108, 337, 69, 299, 104, 333, 4, 5, 195, 197),
        ),
    },
    area_px2=lambda points: _enclosed(_MESH_OVAL(points)),
)


STATIONS: Final = (1.6, 2.5, 3.4, 4.2, 4.8, 5.6, 6.2, 6.7, 7.3)
"""Where on the jaw line of 68 points (0 at the ear, 8 at the chin) the mesh's nine points of the jaw lie."""
HAIRLINE = 0.28
"""How far above the brows' arches the oval of 68 points ends, in distances from the arches to the chin."""
ARC_POINTS = 11
BROW_ABOVE, BROW_BELOW = 0.25, 0.3
"""Height of the hairs above and below the brow's line, in distances from there to the eye."""
IBUG_AREA = 1.0
"""Of what the oval of a mesh encloses to what that of 68 points does."""


def _ibug_oval(points: Points) -> Points:
    """The jaw, closed by half an ellipse from ear to ear over the forehead, which 68 points do not mark."""
    arches = (points[19] + points[24]) / 2
    middle, side = (points[16] + points[0]) / 2, (points[16] - points[0]) / 2
    up = arches + (arches - points[8]) * np.float32(HAIRLINE) - middle
    angles = np.linspace(0, np.pi, ARC_POINTS + 2, dtype=np.float32)[1:-1, None]
    return np.concatenate([points[:17], middle + np.cos(angles) * side + np.sin(angles) * up])


def _along(*line: int) -> Place:
    """The points at STATIONS of a line of landmarks, straight between two neighbours."""
    return _mixed(*({line[int(at)]: 1 - at % 1, line[int(at) + 1]: at % 1} for at in STATIONS))


def _brow(line: tuple[int, ...], lid: tuple[dict[int, float], ...]) -> Place:
    """A ring around the line of a brow, by the points of the eye that lie below it."""

    def edge(share: float) -> list[dict[int, float]]:
        return [
            {brow: 1 - share, **{eye: share * weight for eye, weight in below.items()}}
            for brow, below in zip(line, lid, strict=True)
        ]

    return _mixed(*edge(-BROW_ABOVE), *reversed(edge(BROW_BELOW)))


def _cheek(wing: int, jaw: tuple[int, int], lid: int, corner: int) -> list[dict[int, float]]:
    """Between nose and ear, and between eye and corner of the mouth."""
    across = [{wing: 1 - share, ear: share} for ear in jaw for share in (0.35, 0.55)]
    return [*across, *({lid: 1 - share, corner: share} for share in (0.4, 0.55))]


_IBUG: Final = Topology(
    places={
        Part.OVAL: _ibug_oval,
        Part.RIGHT_JAW: _along(*range(9)),
        Part.LEFT_JAW: _along(*range(16, 7, -1)),
        Part.CHIN: _at(8),
        Part.RIGHT_EYE: _at(*range(36, 42)),
        Part.LEFT_EYE: _at(*range(42, 48)),
        Part.RIGHT_EYE_CENTRE: _middle(*range(36, 42)),
        Part.LEFT_EYE_CENTRE: _middle(*range(42, 48)),
        Part.RIGHT_EYE_CORNERS: _at(36, 39),
        Part.LEFT_EYE_CORNERS: _at(45, 42),
        Part.RIGHT_BROW: _brow((17, 18, 19, 20, 21), ({36: 1}, {37: 1}, {37: 0.5, 38: 0.5}, {38: 1}, {39: 1})),
        Part.LEFT_BROW: _brow((22, 23, 24, 25, 26), ({42: 1}, {43: 1}, {43: 0.5, 44: 0.5}, {44: 1}, {45: 1})),
        Part.NOSE_RIDGE: _at(*range(27, 31)),
        Part.NOSE_TIP: _at(30),
        Part.LIPS: _at(*range(48, 60)),
        Part.MOUTH: _at(*range(60, 68)),
        Part.MOUTH_CORNERS: _at(48, 54),
        Part.BARE_SKIN: _mixed(
            *_cheek(31, (2, 3), 41, 48),
            *_cheek(35, (14, 13), 46, 54),
            *({index: 1.0} for index in (28, 29, 30)),
            *({brow: 1.8, eye: -0.8} for brow, eye in ((19, 37), (20, 38), (23, 43), (24, 44))),
            {21: 0.5, 22: 0.5},
        ),
    },
    area_px2=lambda points: IBUG_AREA * _enclosed(_ibug_oval(points)),
)


EYE_WIDTH = 0.43
"""From corner to corner, in distances between the centres of the eyes of a face that looks ahead."""
FIVE_AREA = 4.8
"""Of a mesh's oval to the parallelogram of the line between the eyes and the line from its middle to the mouth's."""


def _five_area_px2(points: Points) -> float:
    right, left, _, *corners = points.astype(np.float64)
    across, down = left - right, (corners[0] + corners[1] - right - left) / 2
    return FIVE_AREA * abs(float(across[0] * down[1] - across[1] * down[0]))


_FIVE: Final = Topology(
    places={
        Part.RIGHT_EYE_CENTRE: _at(0),
        Part.LEFT_EYE_CENTRE: _at(1),
        Part.RIGHT_EYE_CORNERS: _mixed(*({0: 1 + out, 1: -out} for out in (EYE_WIDTH / 2, -EYE_WIDTH / 2))),
        Part.LEFT_EYE_CORNERS: _mixed(*({1: 1 + out, 0: -out} for out in (EYE_WIDTH / 2, -EYE_WIDTH / 2))),
        Part.NOSE_TIP: _at(2),
        Part.MOUTH_CORNERS: _at(3, 4),
    },
    area_px2=_five_area_px2,
)


TOPOLOGIES: Final = {Layout.MESH: _MESH, Layout.IBUG: _IBUG, Layout.FIVE: _FIVE}
"""Every layout there is."""
