"""Where 68 points have the parts of a face.

Source: the mark-up of iBUG 300-W. It marks no forehead, the brows as lines, and no cheeks: these are placed in
proportion to what it marks, so that they turn and tilt with the face. The proportions are medians over frames of three
real clips with turning heads, of the official Face Mesh's points against those of a PFLD regressor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.topology import Topology, at, enclosed, middle, mixed
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.topology import Place, Points


STATIONS: Final = (1.6, 2.5, 3.4, 4.2, 4.8, 5.6, 6.2, 6.7, 7.3)
"""Where on the jaw line of 68 points (0 at the ear, 8 at the chin) the mesh's nine points of the jaw lie."""
HAIRLINE = 0.28
"""How far above the brows' arches the oval ends, in distances from the arches to the chin: a little below the hairline
that the mesh's oval reaches (0.30 to 0.32), as a forehead is not seen here but supposed."""
ARC_POINTS = 11
"""Points of the oval between the ears."""
BROW_ABOVE, BROW_BELOW = 0.25, 0.3
"""Height of the hairs above and below the brow's line, in distances from there to the eye."""
AREA = 0.94
"""Of what the oval of a mesh encloses to what that of 68 points does."""


def _oval(points: Points) -> Points:
    """The jaw, closed by half an ellipse from ear to ear over the forehead, which 68 points do not mark."""
    arches = (points[19] + points[24]) / 2
    centre, side = (points[16] + points[0]) / 2, (points[16] - points[0]) / 2
    up = arches + (arches - points[8]) * np.float32(HAIRLINE) - centre
    angles = np.linspace(0, np.pi, ARC_POINTS + 2, dtype=np.float32)[1:-1, None]
    return np.concatenate([points[:17], centre + np.cos(angles) * side + np.sin(angles) * up])


def _along(*line: int) -> Place:
    """The points at STATIONS of a line of landmarks, straight between two neighbours."""
    return mixed(*({line[int(stop)]: 1 - stop % 1, line[int(stop) + 1]: stop % 1} for stop in STATIONS))


def _brow(line: tuple[int, ...], lid: tuple[dict[int, float], ...]) -> Place:
    """A ring around the line of a brow, by the points of the eye that lie below it."""

    def edge(share: float) -> list[dict[int, float]]:
        return [
            {brow: 1 - share, **{eye: share * weight for eye, weight in below.items()}}
            for brow, below in zip(line, lid, strict=True)
        ]

    return mixed(*edge(-BROW_ABOVE), *reversed(edge(BROW_BELOW)))


def _lid_skin(lid: tuple[int, ...], brow: tuple[int, ...]) -> Place:
    """A ring around a lid, from outer to inner corner, and most of the way up to the brow, back from inside."""
    upper = [{hair: 0.7, edge: 0.3} for hair, edge in zip(brow, reversed(lid), strict=True)]
    return mixed(*({edge: 1.0} for edge in lid), *upper)


def _cheek(wing: int, jaw: tuple[int, int], lid: int, corner: int) -> list[dict[int, float]]:
    """Between nose and ear, and between eye and corner of the mouth."""
    across = [{wing: 1 - share, ear: share} for ear in jaw for share in (0.35, 0.55)]
    return [*across, *({lid: 1 - share, corner: share} for share in (0.4, 0.55))]


IBUG: Final = Topology(
    places={
        Part.OVAL: _oval,
        Part.RIGHT_JAW: _along(*range(9)),
        Part.LEFT_JAW: _along(*range(16, 7, -1)),
        Part.CHIN: at(8),
        Part.RIGHT_EYE: at(*range(36, 42)),
        Part.LEFT_EYE: at(*range(42, 48)),
        Part.RIGHT_UPPER_LID: at(36, 37, 38, 39),
        Part.LEFT_UPPER_LID: at(45, 44, 43, 42),
        Part.RIGHT_LID_SKIN: _lid_skin((36, 37, 38, 39), (21, 20, 19, 18)),
        Part.LEFT_LID_SKIN: _lid_skin((45, 44, 43, 42), (22, 23, 24, 25)),
        Part.RIGHT_EYE_CENTRE: middle(*range(36, 42)),
        Part.LEFT_EYE_CENTRE: middle(*range(42, 48)),
        Part.RIGHT_EYE_CORNERS: at(36, 39),
        Part.LEFT_EYE_CORNERS: at(45, 42),
        Part.RIGHT_BROW: _brow((17, 18, 19, 20, 21), ({36: 1}, {37: 1}, {37: 0.5, 38: 0.5}, {38: 1}, {39: 1})),
        Part.LEFT_BROW: _brow((22, 23, 24, 25, 26), ({42: 1}, {43: 1}, {43: 0.5, 44: 0.5}, {44: 1}, {45: 1})),
        Part.NOSE_RIDGE: at(*range(27, 31)),
        Part.NOSE_TIP: at(30),
        Part.LIPS: at(*range(48, 60)),
        Part.MOUTH: at(*range(60, 68)),
        Part.MOUTH_CORNERS: at(48, 54),
        Part.NOSE_WINGS: mixed({31: 1.3, 33: -0.3}, {35: 1.3, 33: -0.3}),
        Part.CHEEKBONES: mixed({0: 0.3, 1: 0.7}, {16: 0.3, 15: 0.7}),
        Part.TEMPLES: lambda points: _oval(points)[[-1, 17], :],
        Part.HAIRLINE: lambda points: _oval(points)[[26, 24, 22, 20, 18], :],
        Part.BARE_SKIN: mixed(
            *_cheek(31, (2, 3), 41, 48),
            *_cheek(35, (14, 13), 46, 54),
            *({index: 1.0} for index in (28, 29, 30)),
            *({brow: 1.8, eye: -0.8} for brow, eye in ((19, 37), (20, 38), (23, 43), (24, 44))),
            {21: 0.5, 22: 0.5},
        ),
    },
    area_px2=lambda points: AREA * enclosed(_oval(points)),
)
