"""Stickers: pictures and animations that are fixed to a point of the face."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from services.render.anchors import FACE_WIDTH, anchor_px, outline_px
from services.render.laying import lay
from services.render.masks import filled, share
from services.render.pose import head_view
from services.render.region import Region, size_of
from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from services.render.bumps import Bumps
    from services.render.moment import Moment
    from services.render.paints import Paints
    from services.render.pose import HeadView
    from services.render.pyramid import Pyramid
    from services.render.region import Grid, Scratch
    from services.render.shape import FaceShape
    from shared.model.effects import Sticker
    from shared.model.looks import Look
    from shared.model.pictures import Picture

    Floats = NDArray[np.float32]

THINNEST = 0.02
"""A sticker that is seen so much from its edge is left out: breadth to what it would have from the front."""
SMALLEST_PX2 = 0.01
"""A sticker of less area is left out."""


class Wearer(NamedTuple):
    """A face as it is by now."""

    shape: FaceShape
    bumps: Bumps | None
    """By which it has been bent."""
    moment: Moment


def draw_stickers(target: Picture, wearer: Wearer, look: Look, paints: Paints, scratch: Scratch) -> None:
    """Lay the stickers of a look over one face of `target` in place; the first lies lowest."""
    if not any(sticker.strength for sticker in look.stickers):
        return
    view = head_view(wearer.shape.landmarks_px)
    for sticker, placed in worn_by(wearer, view, look, paints):
        _lay(target, wearer, view, placed, sticker, scratch)


class Placed(NamedTuple):
    """A level of a sticker's picture and where it lies."""

    level: Grid
    """[rows, columns, 4]."""
    middle: NDArray[np.float64]
    """[2]: x, y of its middle, pixels of the picture."""
    moved: NDArray[np.float64]
    """[2]: by how much of that the face's bumps have moved it."""
    axes: NDArray[np.float64]
    """[2, 2]: x and y of a step to the right and of a step down on the level."""

    def corners_px(self) -> Floats:
        """[4, 2]: x, y of its corners, pixels of the picture."""
        rows, columns = self.level.shape[:2]
        corners = np.array([(x, y) for x in (-columns, columns) for y in (-rows, rows)]) / 2
        return (self.middle + corners @ self.axes.T).astype(np.float32)


REACH = 2
"""So many pixels beyond its corners a sticker may show."""


def worn_by(wearer: Wearer, view: HeadView, look: Look, paints: Paints) -> Iterator[tuple[Sticker, Placed]]:
    """The stickers of a look that show on a face, and where each lies; the first lies lowest. Raises as `Paints.of`."""
    for sticker in look.stickers:
        if sticker.strength:
            paint = paints.of(sticker.asset, "stickers", wearer.moment.seconds)
            if (placed := placed_on(wearer, view, sticker, paint)) is not None:
                yield sticker, placed


def placed_on(wearer: Wearer, view: HeadView, sticker: Sticker, paint: Pyramid) -> Placed | None:
    """Where a sticker lies; None where it is seen from its edge or too small to see."""
    width, height = paint.size
    angle = math.radians(sticker.turn)
    turn = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    seen = view.turn[:2, :2] @ turn
    area = abs(float(np.linalg.det(seen)))
    if area < THINNEST:
        return None
    step = view.scale_px * FACE_WIDTH * sticker.size / width
    if step * width * step * height * area < SMALLEST_PX2:
        return None
    level = paint.level(1 / (step * math.sqrt(area)))
    rows, columns = level.shape[:2]
    still = anchor_px(wearer.shape, view, sticker.anchor)
    anchor = bent(still[None], wearer.bumps)[0]
    middle = anchor + view.offset_px((FACE_WIDTH * sticker.x, FACE_WIDTH * sticker.y, 0.0))
    return Placed(level, middle, anchor - still, seen * step * (width / columns, height / rows))


def _lay(target: Picture, wearer: Wearer, view: HeadView, placed: Placed, sticker: Sticker, scratch: Scratch) -> None:
    level, middle, _, axes = placed
    rows, columns = level.shape[:2]
    region = Region.around(placed.corners_px(), REACH, 2, size_of(target))
    if region is None:
        return
    size = region.shape(1)
    start = middle - (region.x0, region.y0) - axes @ ((columns - 1) / 2, (rows - 1) / 2)
    above = scratch.take("above", (*size, 4))
    cv2.warpAffine(level, np.column_stack([axes, start]), size[::-1], above, cv2.INTER_LINEAR)
    weight = scratch.take("weight", size)
    weight.fill(sticker.amount)
    if sticker.behind:
        weight *= 1 - _before(wearer, view, region, size_of(target))
    lay(target, region, above, weight, scratch)


def bent(points_px: Floats, bumps: Bumps | None) -> Floats:
    """Where points [n, 2] of a face lie once it is bent."""
    return points_px if bumps is None else points_px - bumps.field(points_px)


def ring_px(shape: FaceShape, view: HeadView) -> Floats:
    """[n, 2] x, y in the picture: the ring around a face that a sticker lies behind, before it is bent."""
    return shape.part(Part.OVAL) if Part.OVAL in shape.topology.places else outline_px(shape, view)


def _before(wearer: Wearer, view: HeadView, region: Region, size: tuple[int, int]) -> Grid:
    """[rows, columns] float32, 0..1: what of the region people cover, or, where nobody knows, the face."""
    people = wearer.moment.people
    if people is None:
        ring = bent(ring_px(wearer.shape, view), wearer.bumps)
        return share(filled(region.shape(1), [ring - np.array((region.x0, region.y0), np.float32)]))
    tall, wide = size[1] / people.shape[0], size[0] / people.shape[1]
    matrix = np.array([(wide, 0, wide / 2 - 0.5 - region.x0), (0, tall, tall / 2 - 0.5 - region.y0)])
    columns_and_rows = region.shape(1)[::-1]
    return share(cv2.warpAffine(people, matrix, columns_and_rows, borderMode=cv2.BORDER_REPLICATE))
