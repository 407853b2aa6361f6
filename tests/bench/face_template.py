"""Make `shared/model/face_template.txt`: the canonical mesh, its triangles and its layout for painting.

Run by hand as `python -m tests.bench.face_template` where the prepared models lie.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import Delaunay
from skimage import data

from services.detect.finding import FaceFinder
from services.detect.settings import DetectSettings
from services.render.layouts import mesh
from services.render.pose import MEAN_HEAD
from shared.model.parts import Part
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Indices = NDArray[np.intp]
    Edge = frozenset[int]
    Triangle = tuple[int, int, int]

TARGET = Path(__file__).parents[2] / "shared" / "model" / "face_template.txt"
LOOKS = 8
"""So often the model looks at the portrait, each time where it found the face before: its answer settles."""
AXIS = 1.0
"""How far behind the eyes the axis of the cylinder is on which the face is unrolled, in distances between the outer
corners of the eyes."""
LIFT = 0.5
"""How much a point moves up for its distance from the axis: room for the underside of the nose and the edges of lips,
which a face from the front hides."""
BORDER = 0.02
"""Free on every side of the picture that is painted, so that a brush may go over the edge."""
PARTS = (
    *(Part.RIGHT_EYE, Part.LEFT_EYE, Part.RIGHT_BROW, Part.LEFT_BROW, Part.LIPS, Part.MOUTH),
    *(Part.NOSE_RIDGE, Part.NOSE_WINGS),
)
OPENINGS = (Part.RIGHT_EYE, Part.LEFT_EYE, Part.MOUTH)
HEADER = """\
# The face template: the 468 points of the face mesh on a symmetric head that looks into the camera, and where each lies
# in the picture that a texture is painted in. Made by tests/bench/face_template.py from what Face Mesh says of the
# portrait of Eileen Collins (NASA, public domain) that ships in scikit-image's wheel, and of its mirror image.
#
# point: x to the right, y down, z away from the camera (unit: between the outer corners of the eyes, origin midway);
# u to the right, v down in the painted picture, 0..1; the number of the point's mirror image.
# triangle, opening: three points, clockwise in the painted picture. Openings are eyes and mouth, which stay free.
# line: a part of the face and its points, in order.
"""


def main() -> None:
    """Write the template."""
    cv2.setNumThreads(1)
    portrait = np.ascontiguousarray(data.astronaut())  # type: ignore[no-untyped-call]  # scikit-image has no types
    points, mirror = symmetric(*_seen_twice(portrait))
    flat = unrolled(points)
    rings = {part: _indices(mesh.MESH.places[part]) for part in PARTS} | {Part.OVAL: _indices(mesh._OVAL)}
    every = triangulated(flat, mirror, [rings[part] for part in (*OPENINGS, Part.OVAL)])
    middles = flat[every].mean(axis=1)
    opening = np.any([_within(flat[rings[part]], middles) for part in OPENINGS], axis=0)
    face = _within(flat[rings[Part.OVAL]], middles) & ~opening
    if len(np.unique(every[face])) < len(points):
        raise ValueError("a point lies off the face or in an opening: lift the face more, or take another portrait")
    uv = _within_unit(flat)
    lines = [
        *(f"point {x:.4f} {y:.4f} {z:.4f} {u:.4f} {v:.4f} {other}"
          for (x, y, z), (u, v), other in zip(points, uv, mirror, strict=True)),
        *(f"triangle {a} {b} {c}" for a, b, c in every[face]),
        *(f"opening {a} {b} {c}" for a, b, c in every[opening]),
        *(f"line {part} {' '.join(map(str, ring))}" for part, ring in rings.items()),
    ]  # fmt: skip
    TARGET.write_text(HEADER + "\n".join(lines) + "\n")


def _seen_twice(portrait: NDArray[np.uint8]) -> tuple[Points, Points]:
    """[468, 3] of the portrait, and of its mirror image, mirrored back."""
    finder = FaceFinder.load(Path(DetectSettings.model_fields["models"].default).expanduser())
    width = portrait.shape[1]
    seen, mirrored = (_settled(finder, np.ascontiguousarray(one)) for one in (portrait, portrait[:, ::-1]))
    return seen, mirrored * (-1, 1, 1) + (width - 1, 0, 0)


def _settled(finder: FaceFinder, pixels: NDArray[np.uint8]) -> Points:
    geometry = Geometry(PixelFormat.RGB24, pixels.shape[1], pixels.shape[0])
    picture = Picture.over(geometry, Colour(full_range=True), pixels.reshape(-1))
    faces = finder.find(picture)
    for _ in range(LOOKS):
        faces = finder.find(picture, faces)
    return faces[0].landmarks_px.astype(np.float64)


def symmetric(seen: Points, mirrored: Points) -> tuple[Points, Indices]:
    """The head [468, 3], and the mirror image of each point [468].

    Point i of the mirror image's face lies where the partner of point i lies in the portrait's: so the pairs are told.
    """
    distances = np.linalg.norm(seen[:, None] - mirrored, axis=-1)
    mirror = np.asarray(linear_sum_assignment(distances)[1])
    if not np.array_equal(mirror[mirror], np.arange(len(seen))):
        raise ValueError("a point is not the mirror image of its own mirror image: the portrait is not frontal enough")
    rigid = list(MEAN_HEAD)
    head = laid((seen + laid(mirrored[mirror], seen)) / 2, np.array([MEAN_HEAD[one] for one in rigid]), rigid)
    head = (head + head[mirror] * (-1, 1, 1)) / 2
    right, left = 33, 263
    return (head - (head[right] + head[left]) / 2) / (head[left, 0] - head[right, 0]), mirror


def laid(points: Points, onto: Points, of: list[int] | None = None) -> Points:
    """Points [n, 3] moved, turned and scaled onto others (Umeyama 1991); of: which of them the others are."""
    some = points if of is None else points[of]
    middle, target = some.mean(axis=0), onto.mean(axis=0)
    u, stretches, vt = np.linalg.svd((onto - target).T @ (some - middle))
    signs = np.array([1, 1, np.linalg.det(u @ vt)])
    scale = float(stretches @ signs) / float(np.sum((some - middle) ** 2))
    return np.asarray((points - middle) @ (u @ np.diag(signs) @ vt).T * scale + target)


def unrolled(head: Points) -> Points:
    """[468, 2]: the head on a cylinder around an upright axis, rolled out: cheeks keep their breadth."""
    away = AXIS - head[:, 2]
    radius = np.hypot(head[:, 0], away)
    across = np.arctan2(head[:, 0], away) * np.median(radius)
    return np.stack([across, head[:, 1] - LIFT * radius], axis=1)


def _within_unit(flat: Points) -> Points:
    low, high = flat.min(axis=0), flat.max(axis=0)
    return np.asarray(0.5 + (flat - (low + high) / 2) * (1 - 2 * BORDER) / (high - low).max())


def triangulated(flat: Points, mirror: Indices, rings: list[Indices]) -> Indices:
    """[n, 3]: Delaunay's triangles of the right half with all edges of the rings, and their mirror images."""
    half = np.flatnonzero(flat[:, 0] <= flat[mirror, 0])
    order = {int(point) for point in half}
    triangles = {_clockwise(flat, one) for one in half[Delaunay(flat[half]).simplices]}
    for ring in rings:
        for a, b in pairwise((*ring.tolist(), int(ring[0]))):
            if a in order and b in order:
                _force(flat, triangles, a, b)
    right = np.array(sorted(triangles))
    return np.concatenate([right, mirror[right][:, ::-1]])


def _force(flat: Points, triangles: set[Triangle], a: int, b: int) -> None:
    """Turn edges that cross the edge from a to b until it is there (Sloan 1993)."""
    while not any({a, b} <= set(one) for one in triangles):
        for p, q in _edges(triangles):
            if {p, q} & {a, b} or not _cross(flat, (a, b), (p, q)):
                continue
            one, other = (triangle for triangle in triangles if {p, q} <= set(triangle))
            (r,), (s,) = set(one) - {p, q}, set(other) - {p, q}
            if _cross(flat, (p, q), (r, s)):
                triangles -= {one, other}
                triangles |= {_clockwise(flat, (r, s, p)), _clockwise(flat, (r, s, q))}
                break
        else:
            raise ValueError(f"the edge from {a} to {b} crosses what cannot be turned")


def _edges(triangles: Iterable[Triangle]) -> Iterator[tuple[int, int]]:
    for a, b, c in sorted(triangles):
        yield from ((p, q) for p, q in ((a, b), (b, c), (c, a)) if p < q)


def _cross(flat: Points, one: tuple[int, int], other: tuple[int, int]) -> bool:
    (a, b), (p, q) = one, other
    return _turn(flat, a, b, p) * _turn(flat, a, b, q) < 0 and _turn(flat, p, q, a) * _turn(flat, p, q, b) < 0


def _turn(flat: Points, a: int, b: int, c: int) -> float:
    (x, y), (z, w) = flat[b] - flat[a], flat[c] - flat[a]
    return float(x * w - y * z)


def _clockwise(flat: Points, triangle: Iterable[int]) -> Triangle:
    """From its lowest number; y points down, so that clockwise is above 0."""
    a, b, c = sorted(map(int, triangle))
    return (a, b, c) if _turn(flat, a, b, c) > 0 else (a, c, b)


def _within(ring: Points, points: Points) -> NDArray[np.bool_]:
    outline = ring.astype(np.float32)[:, None]
    return np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), False) > 0 for x, y in points])


def _indices(place: mesh.Place) -> Indices:  # type: ignore[name-defined]  # for type checking only there
    """The numbers of the landmarks that a place takes as they are."""
    numbers = np.repeat(np.arange(468, dtype=np.float32)[:, None], 2, axis=1)
    return np.asarray(place(numbers)[:, 0], np.intp)


if __name__ == "__main__":
    main()
