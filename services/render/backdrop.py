"""Puts something else behind the people of a frame, or cuts them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from services.render.masks import mean
from services.render.people import luma_of
from services.render.region import Region, halved
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cv2.typing import MatLike

    from services.render.people import Matte
    from services.render.region import Grid, Plane, Scratch
    from shared.model.pictures import Picture

_BAND = 60
"""Rows of cells that are drawn in one go, over those columns that have people."""
REACH = 3
"""Half width, in cells, of the windows that say what colours people and background have beside an edge."""
_WHOLE = 2
SURE = 0.95
"""Share of people from which on a cell is one, and one minus it up to which it is background."""
LEAST = np.float32(1e-3)
"""How much the colours of the whole frame count beside those around."""


def subsamplings(picture: Picture) -> tuple[int, ...]:
    """Of each plane."""
    return (1,) if picture.geometry.format is PixelFormat.RGB24 else (1, 2, 2)


def fringes(picture: Picture, matte: Matte) -> list[Grid]:
    """What people's colours are beyond those of the background beside them, by plane, on the matte's grid.

    At a share between 0 and 1 a frame shows a mixture with its old background. By this, as much of it is taken out:
    hair before a bright window is not to shine before a dark wall.
    """
    rows, columns = matte.alpha.shape
    coarse = ((columns + 1) // 2, (rows + 1) // 2)
    alpha, *cells = (coarser(grid, coarse) for grid in (matte.alpha, *matte.cells))
    people, behind = (beside(cells, sure.astype(np.float32)) for sure in (alpha > SURE, alpha < 1 - SURE))
    differences = (one - other for one, other in zip(people, behind, strict=True))
    return by_plane([cv2.resize(difference, (columns, rows)) for difference in differences], picture)


def by_plane(cells: Sequence[MatLike], picture: Picture) -> list[Any]:
    """One array for each plane of a picture, from one for each kind of sample."""
    return [cv2.merge(cells)] if len(picture.planes) == 1 else list(cells)


def coarser(grid: Grid, size: tuple[int, int]) -> Grid:
    """The means of a grid in as many columns and rows."""
    return cast("Grid", cv2.resize(grid, size, interpolation=cv2.INTER_AREA))


def beside(cells: Sequence[Grid], share: Grid) -> list[Grid]:
    """The mean of those cells [rows, columns] around that count, by their share; of all that do where none does."""
    counted = [cv2.multiply(plane, share) for plane in cells]
    everywhere = [cv2.mean(grid)[0] * LEAST for grid in (*counted, share)]
    around = [mean(mean(cast("Grid", grid), REACH), REACH) for grid in (*counted, share)]
    *colours, weight = (grid + least for grid, least in zip(around, everywhere, strict=True))
    weight += LEAST**2
    return [colour / weight for colour in colours]


def put_behind(target: Picture, backdrop: Picture, matte: Matte, scratch: Scratch, edges: Sequence[Grid] = ()) -> None:
    """Show `backdrop`, a picture like `target`, wherever no people are, mixed where they end.

    edges: the frame's fringes; empty where the backdrop is much like the old background.
    """
    for part, has_people in _parts(matte):
        shares = _shares(target, matte, part, scratch) if has_people else {}
        for number, subsampling in enumerate(subsamplings(target)):
            old, new = (part.cut(picture.planes[number], subsampling) for picture in (target, backdrop))
            if not has_people:
                np.copyto(old, new)
                continue
            mixed, share = scratch.take("mixed", old.shape), shares[subsampling]
            cv2.subtract(old, new, mixed, None, cv2.CV_32F)
            cv2.multiply(mixed, share, mixed)
            if edges:
                difference = matte.region.spread_part(edges[number], part, subsampling, scratch, "difference")
                _take_out(mixed, share, difference, scratch)
            cv2.add(mixed, new, old, None, cv2.CV_8U)


def cut_out(target: Picture, alpha: Plane, matte: Matte, edges: Sequence[Grid], scratch: Scratch) -> None:
    """Write the people's shares of `target` (rgb24) to `alpha`, and take the background's colours out of its pixels."""
    (pixels,) = target.planes
    for part, has_people in _parts(matte):
        shown, opacity = part.cut(pixels, 1), part.cut(alpha, 1)
        if not has_people:
            shown[...], opacity[...] = 0, 0
            continue
        share = _shares(target, matte, part, scratch)[1]
        np.rint(share[..., 0] * 255, out=opacity, casting="unsafe")
        difference = matte.region.spread_part(edges[0], part, 1, scratch, "difference")
        cv2.add(shown, (1 - share) * difference, shown, None, cv2.CV_8U)
        shown[opacity == 0] = 0


def _shares(target: Picture, matte: Matte, part: Region, scratch: Scratch) -> dict[int, Grid]:
    """By subsampling: the people's shares 0..1, as many for a pixel as it has samples."""
    full = matte.of(luma_of(part.cut(target.planes[0], 1)), part, scratch)
    if len(target.planes) == 1:
        share = _unit(full, "share", scratch)
        return {1: cv2.merge((share, share, share))}  # type: ignore[dict-item] # float32 as they
    return {1: _unit(full, "share", scratch), 2: _unit(halved(full, scratch), "half share", scratch)}


def _unit(alpha: Plane, name: str, scratch: Scratch) -> Grid:
    share = scratch.take(name, alpha.shape)
    cv2.addWeighted(alpha, 1 / 255, alpha, 0, 0, share, cv2.CV_32F)
    return share


def _take_out(mixed: Grid, share: Grid, difference: Grid, scratch: Scratch) -> None:
    """Add share * (1 - share) * difference: what people's part of a sample has of the old background."""
    part = scratch.take("part", share.shape)
    cv2.multiply(share, share, part)
    cv2.subtract(share, part, part)
    cv2.multiply(part, difference, part)
    cv2.add(mixed, part, mixed)


def _parts(matte: Matte) -> Iterator[tuple[Region, bool]]:
    """The frame without what is people and nothing else, in rectangles; and whether each has people."""
    region, step = matte.region, matte.region.step
    some, whole = matte.reach
    for top in range(0, some.shape[0], _BAND):
        rows = slice(top, top + _BAND)
        kinds = np.where(whole[rows].all(axis=0), _WHOLE, some[rows].any(axis=0).astype(np.int8))
        starts = np.flatnonzero(np.diff(kinds, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(kinds)], strict=True):
            if kinds[start] != _WHOLE:
                x0, x1 = int(start) * step, min(region.x1, int(end) * step)
                yield Region(x0, top * step, x1, min(region.y1, (top + _BAND) * step), step), bool(kinds[start])
