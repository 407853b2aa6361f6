"""Background: what is behind the people, out of focus, something else, or nothing at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.render.assets import asset_of
from services.render.backdrop import beside, by_plane, coarser, cut_out, fringes, put_behind
from services.render.people import luma_of, matte
from services.render.region import Region, Scratch, halved, size_of
from shared.model.assets import PreparedPicture
from shared.model.colours import yuv_of_rgb
from shared.model.parameters import rgb_of
from shared.model.pictures import Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from services.render.moment import Moment
    from services.render.people import Matte
    from services.render.region import Grid, Plane
    from services.render.shape import FaceShape
    from shared.model.assets import Prepared
    from shared.model.effects import Background
    from shared.model.looks import Look

FAR = 0.028
"""Radius of the disc that a point becomes at full strength, in longer sides of the frame: 36 pixels of 1280."""
MOST_CELLS = 4
"""Of that radius: a larger one is drawn on a coarser grid."""
SHARP = 0.15
"""Strength up to which the blur is mixed with the sharp picture, so that it begins at nothing."""
BRIGHT = 3.0
"""How much more white counts than black: lights out of focus stay lights."""
BESIDE = 0.1
"""Share of people from which on a cell says nothing of the background."""


class Backdrops:
    """What stands behind people in a session; pictures are made to fit once."""

    def __init__(self, assets: Mapping[str, Prepared]) -> None:
        self._assets = assets
        self._still: tuple[Background, Picture] | None = None
        self._blurred: Picture | None = None

    def draw(self, target: Picture, heads: Sequence[FaceShape], look: Look, moment: Moment, scratch: Scratch) -> None:
        """Draw the background of a look in place; the pixels of people stay as they are bit by bit.

        heads: of all people that have a face. Nothing is drawn where nobody has told people apart. A transparent
        background needs a target with alpha. Raises Rejected for an asset that is missing or no picture.
        """
        background = look.background
        if background is None or not background.strength or moment.people is None:
            return
        around = matte(target, moment.people, heads)
        if background.kind == "blur":
            backdrop = self._out_of_focus(target, around, background.amount, scratch)
            put_behind(target, backdrop, around, scratch)
        elif background.kind == "transparent" and target.alpha is not None:
            cut_out(target, target.alpha, around, fringes(target, around), scratch)
        else:
            put_behind(target, self._fitting(target, background), around, scratch, fringes(target, around))

    def _fitting(self, like: Picture, background: Background) -> Picture:
        kept = self._still
        if kept is None or kept[0] != background or (kept[1].geometry, kept[1].colour) != (like.geometry, like.colour):
            rgb = painted(like, background, self._assets)
            self._still = kept = (background, as_picture(rgb, like))
        return kept[1]

    def _out_of_focus(self, target: Picture, matte: Matte, amount: float, scratch: Scratch) -> Picture:
        blurred = self._blurred
        if blurred is None or (blurred.geometry, blurred.colour) != (target.geometry, target.colour):
            blurred = self._blurred = Picture.blank(target.geometry, target.colour)
        radius_px, step = disc_of(size_of(target), amount, matte.region.step)
        cells = Region(0, 0, *size_of(target), step).cells
        soft = _defocused(target, matte, cells, radius_px / step)
        sharp = max(0.0, 1 - amount / SHARP)
        for plane, fresh, small in zip(target.planes, blurred.planes, soft, strict=True):
            _widen(small, fresh, step if plane is target.planes[0] else step // 2, scratch)
            if sharp:
                cv2.addWeighted(plane, sharp, fresh, 1 - sharp, 0, fresh)
        return blurred


def disc_of(size: tuple[int, int], amount: float, step: int) -> tuple[float, int]:
    """Radius of what a point becomes in a frame of `size`, and the side of cells to draw on, `step` or more; pixels."""
    radius_px = FAR * max(size) * amount
    while radius_px > MOST_CELLS * step:
        step *= 2
    return radius_px, step


def _defocused(target: Picture, matte: Matte, cells: tuple[int, int], radius: float) -> list[Plane]:
    """Each plane on a grid of so many rows and columns, every point of the background a disc of `radius` cells.

    People count for nothing; behind them stands what is beside them.
    """
    size = (cells[1], cells[0])
    near = cv2.dilate(matte.alpha, np.ones((3, 3), np.uint8))
    seen = coarser((near < BESIDE).astype(np.float32), size)
    planes = [coarser(plane, size) for plane in matte.cells]
    hidden = 1 - seen
    behind = [hidden * (fill - plane) + plane for plane, fill in zip(planes, beside(planes, seen), strict=True)]
    light = luma_of(by_plane(behind, target)[0]) * np.float32(1 / 255)
    weight = 1 + BRIGHT * light * light
    weighted = cv2.merge([*(plane * weight for plane in behind), weight])
    *spread, total = cv2.split(cv2.filter2D(weighted, -1, disc(radius), borderType=cv2.BORDER_REPLICATE))
    return by_plane([cv2.divide(plane, total, dtype=cv2.CV_8U) for plane in spread], target)


def disc(radius: float) -> Grid:
    """A filter's kernel: its sum is 1, and its edge is smooth."""
    reach = math.ceil(radius)
    along = np.arange(-reach, reach + 1, dtype=np.float32)
    inside = np.clip(radius + 0.5 - np.hypot(along[:, None], along), 0, 1)
    return np.asarray(inside / inside.sum(), np.float32)


def _widen(small: Plane, plane: Plane, side: int, scratch: Scratch) -> None:
    """Fill a plane with what is between its cells' centres; a cell has `side` samples on each side."""
    rows, columns = (n * side for n in small.shape[:2])
    wide = scratch.take_bytes("wide", (rows, columns, *small.shape[2:]))
    cv2.resize(small, (columns, rows), wide, interpolation=cv2.INTER_LINEAR)
    np.copyto(plane, wide[: plane.shape[0], : plane.shape[1]])


def painted(like: Picture, background: Background, assets: Mapping[str, Prepared]) -> NDArray[np.uint8]:
    """uint8 [height, width, 3]: a colour, or a picture that fills the frame and is cut to its shape."""
    width, height = size_of(like)
    if background.kind == "color":
        return np.full((height, width, 3), rgb_of(background.color), np.uint8)
    picture = asset_of(assets, background.asset or "", PreparedPicture, "background")
    return filling(picture.picture(0), width, height)


def filling(rgba: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """uint8 [height, width, 3]: the middle of a picture [rows, columns, 4] in that shape; black where it is clear."""
    rows, columns = rgba.shape[:2]
    scale = max(width / columns, height / rows)
    shown_rows, shown_columns = max(1, round(height / scale)), max(1, round(width / scale))
    top, left = (rows - shown_rows) // 2, (columns - shown_columns) // 2
    shown = rgba[top : top + shown_rows, left : left + shown_columns]
    opaque = shown[..., :3] * (shown[..., 3:] * np.float32(1 / 255))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.rint(cv2.resize(opaque, (width, height), interpolation=how)).astype(np.uint8)


def as_picture(rgb: NDArray[np.uint8], like: Picture) -> Picture:
    """Pixels [height, width, 3] as a picture of the layout and colour of `like`."""
    picture = Picture.blank(like.geometry, like.colour)
    if like.geometry.format is PixelFormat.RGB24:
        np.copyto(picture.planes[0], rgb)
        return picture
    y, *halves = cv2.split(cv2.transform(rgb, yuv_of_rgb(like.colour)))
    np.copyto(picture.planes[0], y)
    for plane, full in zip(picture.planes[1:], halves, strict=True):
        np.copyto(plane, halved(np.asarray(full), Scratch()))
    return picture
