"""One word for how well a face is seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import cv2
import msgspec
import numpy as np

from shared.model.faces import Layout, Quality
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from shared.model.faces import Face
    from shared.model.pictures import Geometry, Picture, Plane

    Floats = NDArray[np.float32]
    Affine = NDArray[np.float64]
    Point = tuple[float, float]
    LookAtLuma = Callable[[Sequence[Affine]], Iterable[Plane]]
    """Of affine maps [2, 3] from column and row of a square of SIDE samples to x and y of a picture it gives the luma
    under each, uint8 [SIDE, SIDE], with the picture's edge repeated beyond it."""

SMALLEST_PX = 12.0
"""A face's measure (see `_Sight`) below which it is too small. At 12 pixels Face Mesh's landmarks are off by 2.6 % of
the distance between the outer corners of the eyes, at 10 by 4.5 % (median over 12 views of 5 people, made smaller)."""
MOST_SOFTNESS = 0.58
"""Reached where Face Mesh's landmarks are off by about 2 %: by a blur whose standard deviation is 0.07 of a face's
measure, or by a movement of 0.3 to 0.4 of it. Sharp faces have 0.3 to 0.45, at 13 pixels up to 0.55."""
MOST_DOUBT = 1.7e-5
"""What Face Mesh's presence may lack to one (a logit of 11): in float32 it is one or nearly so where nothing covers the
face, and reads 3 to 11 as a logit under the hand of `signer_occluded`. Half precision cannot tell such a little."""
LEAST_LIKENESS = 0.5
"""Correlation of one eye with the mirrored other; open faces turned by up to 38 degrees have 0.6 to 1, an eye under a
hand -0.1 to 0.6 in nine of ten."""

_CORNERS = {
    Layout.MESH: [33, 133, 263, 362, 61, 291],
    Layout.IBUG: [36, 39, 45, 42, 48, 54],
    Layout.FIVE: [0, 0, 1, 1, 3, 4],
}
"""Outer and inner corner of the right eye and of the left, corners of the mouth; with five points an eye is one."""
_GRID_PX = 24
"""What a face's measure is resampled to."""
SIDE = 80
"""Of the resampled square around eyes and mouth."""
_BORDER = 4
"""What of the edge of the square, made half as large, is left out."""
_EYE = (16, 10)
"""Columns and rows of an eye that is compared with the other."""
_EYE_SPAN = (1.6, 0.4)
"""What they span, in widths of that eye and in measures of the face."""
_TURNED = 0.45
"""The farther eye's width over the nearer one's below which they are not compared."""


class _Sight(NamedTuple):
    """A face upright in a small picture of its own."""

    measure_px: float
    """In the whole picture the larger of the distances from eye to eye and from eyes to mouth: they are alike on a face
    that looks ahead, and one of them stays when it turns or nods."""
    affine: Affine
    """[2, 3]: from column and row of the small picture to the whole one."""
    corners: list[Point]
    """Six, of the eyes and the mouth, as in _CORNERS, in the small picture."""


def judged(faces: Iterable[Face], picture: Picture) -> list[Face]:
    """The faces in `picture` with their word."""
    return [msgspec.structs.replace(face, quality=quality_of(face, picture)) for face in faces]


def judged_by(faces: Iterable[Face], size: Geometry, look: LookAtLuma) -> list[Face]:
    """The faces in a picture of that size with their word; look: shows those that must be looked at, all at once."""
    sighted = [(face, _sight(face)) for face in faces]
    words = [_of_place(face, sight, size) for face, sight in sighted]
    wanted = [sight.affine for (_, sight), word in zip(sighted, words, strict=True) if word is None]
    greys = iter(look(wanted) if wanted else ())
    return [
        msgspec.structs.replace(face, quality=word or _of_sight(face, sight, next(greys)))
        for (face, sight), word in zip(sighted, words, strict=True)
    ]


def quality_of(face: Face, picture: Picture) -> Quality:
    """The first word that applies, in this order, or good. Below 0.1 ms.

    out-of-frame: a part lies beyond the picture's edge.
    too-small: the eyes are closer than SMALLEST_PX.
    blurred: out of focus, moved or enlarged so that landmarks suffer.
    occluded: Face Mesh is not quite sure that this is a face, or one eye does not look like the other. That tells a
    hand before nose and mouth, half of a face that is covered, two of three hands before an eye and half of the masks.
    It does not tell dark glasses, hair on the forehead, nor what hides less than a third of the face and no eye; heavy
    noise or compression can pass for it. Other landmark models tell by the eyes only, and five points tell nothing.
    Blur makes Face Mesh unsure as well, which is why blurred comes first.
    """
    sight = _sight(face)
    word = _of_place(face, sight, picture.geometry)
    return word or _of_sight(face, sight, _grey(picture, sight.affine))


def _of_place(face: Face, sight: _Sight, size: Geometry) -> Quality | None:
    """What can be said without looking."""
    x0, y0, x1, y1 = face.box_px
    if x0 < 0 or y0 < 0 or x1 > size.width or y1 > size.height:
        return Quality.OUT_OF_FRAME
    return Quality.TOO_SMALL if sight.measure_px < SMALLEST_PX else None


def _of_sight(face: Face, sight: _Sight, grey: Plane) -> Quality:
    if softness(grey) > MOST_SOFTNESS:
        return Quality.BLURRED
    if face.layout is Layout.MESH and face.score < 1 - MOST_DOUBT:
        return Quality.OCCLUDED
    return Quality.GOOD if likeness(grey, sight.corners) >= LEAST_LIKENESS else Quality.OCCLUDED


def _sight(face: Face) -> _Sight:
    corners = face.landmarks_px[_CORNERS[face.layout]].tolist()
    right, left, mouth = (_middle(*corners[at : at + 2]) for at in (0, 2, 4))
    eyes = _middle(right, left)
    across_x, across_y, down_x, down_y = left[0] - right[0], left[1] - right[1], mouth[0] - eyes[0], mouth[1] - eyes[1]
    measure_px = max(math.hypot(across_x, across_y), math.hypot(down_x, down_y), 1e-3)
    centre = _middle(eyes, mouth)
    angle_rad = math.atan2(across_y - down_x, across_x + down_y)
    scale, cosine, sine = measure_px / _GRID_PX, math.cos(angle_rad), math.sin(angle_rad)
    along, up = cosine / scale, sine / scale
    moved = ((x - centre[0], y - centre[1]) for x, y, _ in corners)
    upright = [(x * along + y * up + SIDE / 2, y * along - x * up + SIDE / 2) for x, y in moved]
    return _Sight(measure_px, _affine(centre, scale * cosine, scale * sine), upright)


def _affine(centre: Point, along: float, across: float) -> Affine:
    """What lays the resampled square, turned and scaled so, around a point of the picture."""
    (x, y), half = centre, SIDE / 2
    return np.array(
        ((along, -across, x - (along - across) * half), (across, along, y - (across + along) * half)), np.float64
    )


def _middle(one: Sequence[float], other: Sequence[float]) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _grey(picture: Picture, affine: Affine) -> Plane:
    """The face upright and grey, uint8 [SIDE, SIDE]."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(picture.planes[0], affine, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if picture.geometry.format is PixelFormat.RGB24:
        seen = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
    return np.asarray(seen, np.uint8)


def softness(grey: Plane) -> float:
    """How much of a face's steepness is left when it is blurred again: 0 for a sharp edge, near 1 for a soft one.

    grey: uint8 [SIDE, SIDE]. The idea is that of Crete et al., "The blur effect" (2007): what is soft already changes
    little. Here steepness is the sum of squared differences along rows, columns and both diagonals, and the softest
    direction counts, so that a face that moved is found as well. Contrast and brightness cancel out; at half the size
    noise and blocks of compression do not look like detail.
    """
    half = cv2.resize(grey, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA).astype(np.float32)
    again = np.asarray(cv2.GaussianBlur(half, (0, 0), 1.0), np.float32)
    inner = np.s_[_BORDER:-_BORDER, _BORDER:-_BORDER]
    before, after = _steepness(half[inner]), _steepness(again[inner])
    return float(max(b / (a + 1e-6) for a, b in zip(before, after, strict=True)))


def _steepness(image: Floats) -> list[float]:
    """Sums of squared differences between neighbours along rows, columns and both diagonals."""
    pairs = (
        (image[:, 1:], image[:, :-1]),
        (image[1:], image[:-1]),
        (image[1:, 1:], image[:-1, :-1]),
        (image[1:, :-1], image[:-1, 1:]),
    )
    return [cv2.norm(a, b, cv2.NORM_L2SQR) for a, b in pairs]


def likeness(grey: Plane, corners: Sequence[Point]) -> float:
    """Correlation of the right eye with the mirrored left one, -1..1; 1 where they cannot be compared.

    grey: uint8 [SIDE, SIDE]; six corners in it, as in _CORNERS.
    """
    widths = [math.dist(corners[at], corners[at + 1]) for at in (0, 2)]
    if min(widths) <= _TURNED * max(widths):
        return 1.0
    calm = np.asarray(cv2.GaussianBlur(grey, (3, 3), 0), np.uint8)
    eyes = np.stack([_eye(calm, corners[0], corners[1], 1), _eye(calm, corners[2], corners[3], -1)])
    logarithms = _LOGARITHM[eyes.reshape(2, -1)]
    right, left = logarithms - logarithms @ _LIGHT @ _LIGHT.T
    return float(right @ left) / math.sqrt(float(right @ right) * float(left @ left) + 1e-6)


def _eye(grey: Plane, outer: Point, inner: Point, way: int) -> Plane:
    """An eye and what is around it, uint8, from the outer corner to the inner; way: 1 to the right, -1 to the left."""
    columns, rows = _EYE
    width, height = _EYE_SPAN
    a, b = ((inner[axis] - outer[axis]) * width / columns for axis in (0, 1))
    down = way * height * _GRID_PX / rows / max(math.hypot(a, b), 1e-6)
    c, d = -b * down, a * down
    x, y = _middle(outer, inner)
    across, along = (columns - 1) / 2, (rows - 1) / 2
    affine = np.array(((a, c, x - a * across - c * along), (b, d, y - b * across - d * along)))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(grey, affine, _EYE, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _light() -> Floats:
    """[columns * rows, 3]: what light from one side adds to the logarithm of a picture, as orthonormal columns."""
    columns, rows = np.meshgrid(np.arange(_EYE[0]), np.arange(_EYE[1]))
    slopes = np.stack([np.ones_like(columns), columns, rows], axis=-1).reshape(-1, 3)
    return np.asarray(np.linalg.qr(slopes)[0], np.float32)


_LIGHT = _light()
_LOGARITHM = np.log1p(np.arange(256)).astype(np.float32)
