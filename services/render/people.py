"""Where people are in a frame, to the hair: the small mask of the segmentation, calmed, then led by the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from services.render.masks import filled, mean, ramp, share
from services.render.region import Region, size_of, step_of
from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from services.render.region import Grid, Plane, Scratch
    from services.render.shape import FaceShape
    from shared.model.people import PeopleMask
    from shared.model.pictures import Picture

MOST_CELLS = 480
"""Of the grid along the frame's longer side."""
RADIUS = 3
"""Of the window in which the mask follows the picture, in cells."""
EDGE_LEVELS = 9.0
"""Standard deviation of luma in a window from which on the mask follows it."""
VEIL = 0.15
"""Shares up to this are none, and those as near to 1 are whole: nothing of the background hangs in front of people."""
BACKGROUND, PERSON = 0.35, 0.65
"""Values of the mask up to which it means the one and from which on the other: nobody is half there."""
ISLAND, DOUBT = 0.02, 0.3
"""Background that lies amidst people and has no more of the mask than the first is rather a doubt of the segmentation,
an elbow or a print on a shirt: its values are raised by the second. Real gaps have lower ones."""
SLOW, SLOW_SECONDS = 0.2, 0.04
"""Share of a small change that is taken over in such a time: the mask of a still person trembles."""
LONGEST_GAP_SECONDS = 0.5
"""After a longer gap, and where time jumps back, a mask is taken as it is."""
NOISE, MOTION = 0.1, 0.45
"""Changes up to which it is noise, and from which on somebody has moved: these are taken over at once."""
_WINDOW = 2
"""Half width, in samples of the mask, of the window whose mean change tells one from the other."""
_MIDDLE = 128
_REACH = 2 * RADIUS + 1
"""Cells that a pixel's share can depend on: both means of the filter, and a neighbour to interpolate with."""
_HEAD = 0.36
"""Radius of the part of a head that five points are the middle of, in face scales."""


@dataclass(frozen=True, eq=False, slots=True)
class Matte:
    """How far each pixel of a frame belongs to people: slope * luma + offset, both on the grid, cut to 0..1."""

    region: Region
    """The whole frame."""
    cells: tuple[Grid, ...]
    """[rows, columns] each: the mean samples of the frame, Y, Cb, Cr or R, G, B."""
    alpha: Grid
    """[rows, columns] 0..1: the cells' own share."""
    slope: Grid
    offset: Grid

    @property
    def reach(self) -> tuple[Plane, Plane]:
        """uint8 [rows, columns], twice: not 0 in a cell where a pixel can belong to people, and where all must."""
        window = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
        some = cv2.dilate((self.alpha > VEIL / 2).astype(np.uint8), window)
        whole = cv2.erode((self.alpha > 1 - VEIL / 2).astype(np.uint8), window)
        return cast("Plane", some), cast("Plane", whole)

    def of(self, luma: Plane, part: Region, scratch: Scratch) -> Plane:
        """uint8 0..255: the share of each pixel of a part of the frame; luma: the part's, as the matte was made by."""
        rise = scratch.take("rise", luma.shape)
        cv2.multiply(luma, self.region.spread_part(self.slope, part, 1, scratch, "slope"), rise, 1, cv2.CV_32F)
        alpha = scratch.take_bytes("alpha", luma.shape)
        cv2.add(rise, self.region.spread_part(self.offset, part, 1, scratch, "offset"), rise)
        cv2.addWeighted(rise, 255 / (1 - 2 * VEIL), rise, 0, -255 * VEIL / (1 - 2 * VEIL), alpha, cv2.CV_8U)
        return alpha


class People:
    """The mask of one session: fast where people move, slow where the segmentation trembles."""

    def __init__(self) -> None:
        self._calm: Grid | None = None
        self._seconds = 0.0

    def seen(self, mask: PeopleMask | None, seconds: float) -> Plane | None:
        """uint8 [rows, columns]: the mask of the next frame, calmed; the last one where a frame has none.

        seconds: the frame's presentation time.
        """
        if mask is not None:
            new = share(mask.alpha)
            calm, since = self._calm, seconds - self._seconds
            if calm is None or calm.shape != new.shape or not 0 < since < LONGEST_GAP_SECONDS:
                self._calm = new
            else:
                change, slow = new - calm, 1 - (1 - SLOW) ** (since / SLOW_SECONDS)
                pace = ramp(mean(np.abs(change), _WINDOW), NOISE, MOTION)
                self._calm = calm + change * (np.float32(slow) + np.float32(1 - slow) * pace)
            self._seconds = seconds
        return None if self._calm is None else np.rint(self._calm * 255).astype(np.uint8)


def matte(picture: Picture, mask: Plane, heads: Sequence[FaceShape]) -> Matte:
    """A mask that covers the frame, led by the frame's luma (He, Sun 2015, "Fast guided filter").

    mask: uint8 [rows, columns], 255 where a person is. heads: those whose landmarks are known belong to people,
    whatever the mask says.
    """
    width, height = size_of(picture)
    region = Region(0, 0, width, height, step_of(max(width, height), MOST_CELLS))
    alpha = coarse_alpha(mask, region.cells)
    np.maximum(alpha, share(sure_of(region, heads)), out=alpha)
    cells = _cells(picture, region)
    luma = cells[0] if len(picture.planes) > 1 else luma_of(cv2.merge(cells))
    around, people = mean(luma, RADIUS), mean(alpha, RADIUS)
    variance = mean(luma * luma, RADIUS) - around * around
    together = mean(luma * alpha, RADIUS) - around * people
    slope = np.asarray(together / (np.maximum(variance, 0) + EDGE_LEVELS**2), np.float32)
    return Matte(region, cells, alpha, mean(slope, RADIUS), mean(people - slope * around, RADIUS))


def sure_of(region: Region, heads: Sequence[FaceShape]) -> Plane:
    """uint8 on a region's cells: 255 where a face's landmarks are."""
    return filled(region.cells, [region.to_grid(ring) for ring in _rings(heads)])


def coarse_alpha(mask: Plane, cells: tuple[int, int]) -> Grid:
    """[rows, columns] 0..1: a mask on a grid, made up its mind."""
    return cast("Grid", cv2.resize(decided(mask), (cells[1], cells[0]), interpolation=cv2.INTER_LINEAR))


def decided(mask: Plane) -> Grid:
    """float32 0..1: a mask that has made up its mind.

    A spot amidst people counts for more than one of the same value at an edge.
    """
    values = share(mask)
    rows, columns = ((side + 1) // 2 for side in mask.shape)
    behind = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA) < _MIDDLE
    _, labels, facts, _ = cv2.connectedComponentsWithStats(behind.astype(np.uint8), connectivity=4)
    islands = facts[:, cv2.CC_STAT_AREA] <= ISLAND * behind.size
    islands[0] = False  # what is no background
    if islands.any():
        raised = islands.astype(np.float32)[labels] * np.float32(DOUBT)
        values += cv2.resize(raised, mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return ramp(values, BACKGROUND, PERSON)


def _cells(picture: Picture, region: Region) -> tuple[Grid, ...]:
    if len(picture.planes) == 1:
        return tuple(cast("Sequence[Grid]", cv2.split(region.gather(picture.planes[0], 1))))
    y, cb, cr = picture.planes
    return region.gather(y, 1), region.gather(cb, 2), region.gather(cr, 2)


def luma_of(samples: NDArray[Any]) -> NDArray[Any]:
    """Y [rows, columns] as it is; of RGB [rows, columns, 3] what BT.601 makes of it."""
    return samples if samples.ndim == 2 else cv2.cvtColor(samples, cv2.COLOR_RGB2GRAY)


def _rings(heads: Iterable[FaceShape]) -> Iterable[NDArray[np.float32]]:
    for head in heads:
        if Part.OVAL in head.topology.places:
            yield head.part(Part.OVAL)
        else:
            turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
            circle = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (_HEAD * head.scale_px)
            yield (head.points_px.mean(axis=0) + circle).astype(np.float32)
