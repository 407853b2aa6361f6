"""Where each cell of a grid lies in the face template, and how far the face is turned towards the camera there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from services.render.masks import ramp
from services.render.pose import head_view
from shared.model.template import face_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.region import Grid, Region
    from services.render.shape import FaceShape

    Floats = NDArray[np.float32]
    Indices = NDArray[np.intp]
    Flags = NDArray[np.bool_]
    Rows = NDArray[np.int32]

AWAY, TOWARDS = 0.12, 0.5
"""Share of its area in the template at which a spot of the face is nothing, and from which on it is wholly seen."""
SPOT = 0.13
"""How large a spot is: standard deviation of its weights, in distances between the outer corners of the eyes."""
LEAST_SHARE = 0.2
"""A triangle of the template counts for so much of its area in space at least: what lies edge-on in a head that looks
ahead is not expected to show more in a picture."""
FLAT = 1e-3
"""Twice the area, in cells, below which a triangle is a line."""
_LEVEL = 1e-12
"""A share that changes less from cell to cell is the same all along a row."""
_NOWHERE = np.array((0, 1e9), np.float32)
"""A bound that is none: nothing for each row, and far away in row 0."""


class Laid(NamedTuple):
    """The template as it lies on a region's grid."""

    uv: Grid
    """[rows, columns, 2] float32: u, v of the cells' centres, 0..1; it goes on for two cells beyond the face."""
    facing: Grid
    """[rows, columns] float32, 0..1: 0 where the face is turned away, or is not. Eyes and mouth count as the face."""


@dataclass(frozen=True, eq=False, slots=True)
class Net:
    """What of the template is the same for every face."""

    corners: Indices
    """[3, n] points of the triangles, eyes and mouth too."""
    face: int
    """How many of them, from the first, are the face."""
    uv: Floats
    """[2, 3, n]: u and v of the corners."""
    spots: Floats
    """[468, face]: what a triangle counts for around a point, over what the whole spot has in the template, whose unit
    is the mean head's."""


@cache
def template_net() -> Net:
    """Made once."""
    template = face_template()
    corners = template.points[template.triangles]
    seen = _doubled(corners[..., :2].transpose(2, 1, 0)) / 2
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    distances = np.linalg.norm(template.points[:, None] - corners.mean(axis=1), axis=-1)
    weights = np.exp(-0.5 * (distances / SPOT) ** 2)
    whole = (weights @ np.maximum(seen, areas * LEAST_SHARE))[:, None]
    every = np.concatenate([template.triangles, template.openings]).T
    return Net(
        corners=np.ascontiguousarray(every),
        face=len(template.triangles),
        uv=np.ascontiguousarray(template.uv[every].transpose(2, 0, 1)),
        spots=(weights / whole).astype(np.float32),
    )


def laid(shape: FaceShape, region: Region, wanted: Flags | None = None) -> Laid:
    """The template on a face of the mesh.

    wanted: [triangles of the template] True for those that matter; None for all. Triangles that face away are left
    out, and of several in one place the nearest is seen.
    """
    net = template_net()
    x, y = region.to_grid(shape.points_px).T
    corners = np.stack([x.take(net.corners), y.take(net.corners)])
    doubled = _doubled(corners)
    unit = head_view(shape.landmarks_px).scale_px / region.step
    share = net.spots @ doubled[: net.face] * np.float32(0.5 / unit**2)
    chosen = doubled > FLAT
    if wanted is not None:
        chosen[: net.face] &= wanted
    order = np.flatnonzero(chosen)
    depths = shape.landmarks_px[:, 2].take(net.corners.take(order, axis=1)).sum(axis=0)
    order = order[np.argsort(-depths, kind="stable")]
    facing = ramp(share, AWAY, TOWARDS).take(net.corners.take(order, axis=1))
    values = np.concatenate([net.uv.take(order, axis=2), facing[None]])
    return _continued(_rasterised(corners.take(order, axis=2), values, region.cells))


def _doubled(corners: Floats) -> Floats:
    """[n]: twice the areas of triangles with corners at [2, 3, n]; below 0 for those that face away."""
    (x, x1, x2), (y, y1, y2) = corners
    return np.asarray((x1 - x) * (y2 - y) - (y1 - y) * (x2 - x))


def _rasterised(corners: Floats, values: Floats, cells: tuple[int, int]) -> Grid:
    """[4, rows, columns]: values [3, 3, n] at the corners [2, 3, n] and in between, and 1 where there is a triangle.

    The first axis is the value, or x and y in cells; the second the corner. The last triangle is on top.
    """
    rows, columns = cells
    second, third = _shares(corners)
    which, row, begin, lengths = _spans(second, third, _rows(corners[1], rows), columns)
    places = np.repeat(row * np.int32(columns) + begin - (np.cumsum(lengths) - lengths), lengths)
    top = np.full(rows * columns, -1, np.int32)
    top[places + np.arange(len(places))] = np.repeat(which, lengths)  # of several NumPy keeps the last
    at = np.flatnonzero(top >= 0)
    # A value is that of the first corner, and what the second and the third have more by their shares.
    more = (values[:, 1:] - values[:, :1])[:, :, None]
    planes = second * more[:, 0] + third * more[:, 1]
    planes[:, 2] += values[:, 0]
    some = planes.take(top[at], axis=2)
    down, right = np.divmod(at.astype(np.int32), np.int32(columns))
    sheet = np.zeros((4, rows * columns), np.float32)
    sheet[:3, at] = some[:, 0] * right.astype(np.float32) + some[:, 1] * down.astype(np.float32) + some[:, 2]
    sheet[3, at] = 1
    return sheet.reshape(4, rows, columns)


def _shares(corners: Floats) -> tuple[Floats, Floats]:
    """[3, n] twice: the share of the second and of the third corner in a point, as factors of its x, its y and 1."""
    (x, x1, x2), (y, y1, y2) = corners
    over = 1 / ((x1 - x) * (y2 - y) - (y1 - y) * (x2 - x))
    a, b, c, d = (y2 - y) * over, (x - x2) * over, (y - y1) * over, (x1 - x) * over
    return np.stack([a, b, -a * x - b * y]), np.stack([c, d, -c * x - d * y])


def _rows(y: Floats, rows: int) -> tuple[Rows, Rows]:
    """Triangle and row of all rows of cells that the triangles with corners at y [3, n] reach, triangle by triangle."""
    first = np.clip(np.ceil(y.min(axis=0)), 0, rows).astype(np.int32)
    counts = np.clip(np.floor(y.max(axis=0)) + 1, first, rows).astype(np.int32) - first
    which = np.repeat(np.arange(len(first), dtype=np.int32), counts)
    starts = np.repeat(np.cumsum(counts, dtype=np.int32) - counts - first, counts)
    return which, np.arange(len(which), dtype=np.int32) - starts


def _spans(second: Floats, third: Floats, lines: tuple[Rows, Rows], columns: int) -> tuple[Rows, Rows, Rows, Rows]:
    """Triangle, row, first column and number of columns of each row of cells within a triangle.

    In a row each of the three shares is a straight line over the columns: where all are 0 or more, the triangle is.
    """
    which, row = lines
    shares = np.stack([-second - third, second, third])
    shares[0, 2] += 1
    steep = np.where(np.abs(shares[:, 0]) < _LEVEL, np.float32(_LEVEL), shares[:, 0])
    zero = -shares[:, 1:] / steep[:, None]  # where a share is 0: so much for each row, and in row 0
    rising = (steep > 0)[:, None]
    low = np.where(rising, zero, _NOWHERE[:, None] * np.float32(-1))
    high = np.where(rising, _NOWHERE[:, None], zero)
    down = row.astype(np.float32)
    low, high = (bound.take(which, axis=2) for bound in (low, high))
    begin = np.ceil(np.clip((low[:, 0] * down + low[:, 1]).max(axis=0), 0, columns)).astype(np.int32)
    end = np.floor(np.clip((high[:, 0] * down + high[:, 1]).min(axis=0), -1, columns - 1)).astype(np.int32) + 1
    some = np.flatnonzero(begin < end)
    return which[some], row[some], begin[some], (end - begin)[some]


def _continued(sheet: Grid) -> Laid:
    """What a sheet says, and for two cells beyond where it is covered the mean of what is said around.

    The way to full size mixes neighbours: so the layout means something wherever facing does, which runs out softly on
    the first cell beyond.
    """
    pixels = cv2.merge(tuple(sheet))
    around = cv2.blur(pixels, (5, 5), borderType=cv2.BORDER_CONSTANT)
    near = around[..., 3].copy()
    around *= 1 / np.maximum(around[..., 3:], np.float32(1e-6))
    cv2.copyTo(pixels, pixels[..., 3].astype(np.uint8), around)
    # Along a straight edge a window in the last covered cell is covered by 3/5, then 2/5, then 1/5.
    return Laid(np.ascontiguousarray(around[..., :2]), around[..., 2] * ramp(near, 0.2, 0.6))
