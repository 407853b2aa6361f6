"""The rectangle of a picture that one face is drawn in, and the small working grid that lies over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.cuda.pictures import CardPicture
    from shared.model.pictures import Picture

    Plane = NDArray[np.uint8]
    Grid = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """Rows y0..y1 and columns x0..x1 of a picture, ends excluded, under a grid of square cells.

    Invariant: x0 and y0 are multiples of `step`, and step is even, so that chroma samples of 4:2:0 never straddle the
    border and the grid does not swim over a still picture when the face moves. Only the picture's own right and lower
    edge may cut the last cells short.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    step: int
    """Pixels along one side of a cell: a power of two, 2 or more."""

    @classmethod
    def around(cls, points_px: NDArray[np.float32], margin: float, step: int, size: tuple[int, int]) -> Region | None:
        """The part of a picture of `size` (width, height) within `margin` pixels of the points' bounding box.

        points_px: [n, 2] x, y. Returns None where no pixel of the picture is meant.
        """
        low, high = points_px.min(axis=0).tolist(), points_px.max(axis=0).tolist()
        x0, y0 = (min(max(math.floor((v - margin) / step) * step, 0), most) for v, most in zip(low, size, strict=True))
        x1, y1 = (min(max(math.ceil((v + margin) / step) * step, 0), most) for v, most in zip(high, size, strict=True))
        return cls(x0, y0, x1, y1, step) if x0 < x1 and y0 < y1 else None

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return -((self.y0 - self.y1) // self.step), -((self.x0 - self.x1) // self.step)

    def shape(self, subsampling: int) -> tuple[int, int]:
        """Rows and columns of a plane's samples in the region; subsampling is 1 or 2."""
        return -((self.y0 - self.y1) // subsampling), -((self.x0 - self.x1) // subsampling)

    def cut(self, plane: Plane, subsampling: int) -> Plane:
        """The region's samples of a whole picture's plane, as a view."""
        rows, columns = self.shape(subsampling)
        top, left = self.y0 // subsampling, self.x0 // subsampling
        return plane[top : top + rows, left : left + columns]

    def to_grid(self, points_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points of the picture [n, 2] in cells, where a cell's own coordinate is its centre's."""
        corner = np.array((self.x0 - 0.5, self.y0 - 0.5), np.float32)
        return (points_px - corner) * np.float32(1 / self.step) - np.float32(0.5)

    def part(self, inner: Region) -> tuple[slice, slice]:
        """Rows and columns, counted from this region's corner, of one that lies within it."""
        return slice(inner.y0 - self.y0, inner.y1 - self.y0), slice(inner.x0 - self.x0, inner.x1 - self.x0)

    def cells_of(self, inner: Region) -> tuple[slice, slice]:
        """The same in cells, of one with cells of the same size."""
        rows, columns = inner.cells
        top, left = (inner.y0 - self.y0) // self.step, (inner.x0 - self.x0) // self.step
        return slice(top, top + rows), slice(left, left + columns)

    def centres_px(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """x [columns] and y [rows] float32 of the cells' centres in pixels of the picture."""
        rows, columns = self.cells
        xs = self.x0 + (self.step - 1) / 2 + np.arange(columns, dtype=np.float32) * self.step
        ys = self.y0 + (self.step - 1) / 2 + np.arange(rows, dtype=np.float32) * self.step
        return xs.astype(np.float32), ys.astype(np.float32)

    def gather(self, samples: Plane, subsampling: int) -> Grid:
        """The mean of `samples` (what `cut` gives) in each cell: [rows, columns] float32, 0..255."""
        side = self.step // subsampling
        rows, columns = self.cells
        down, right = rows * side - samples.shape[0], columns * side - samples.shape[1]
        if down or right:
            samples = cv2.copyMakeBorder(samples, 0, down, 0, right, cv2.BORDER_REPLICATE)  # type: ignore[assignment] # OpenCV's stub forgets the dtype
        small = cv2.resize(samples, (columns, rows), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32)

    def spread(self, grid: Grid, subsampling: int, scratch: Scratch, name: str) -> Grid:
        """The grid [rows, columns(, 2)] between its cells' centres, for every sample of a plane; lives in scratch."""
        side = self.step // subsampling
        rows, columns = (n * side for n in self.cells)
        full = scratch.take(name, (rows, columns, *grid.shape[2:]))
        cv2.resize(grid, (columns, rows), full, interpolation=cv2.INTER_LINEAR)
        down, right = self.shape(subsampling)
        return full[:down, :right]

    def whence(self, field: Grid, subsampling: int, scratch: Scratch) -> Grid:
        """[rows, columns, 2] float32: column and row, in the region's samples, that each sample comes from.

        field: [rows, columns, 2] of the grid, pixels. Where it is 0 a sample comes from itself, exactly: between cells'
        centres coordinates are interpolated in steps that float32 holds. Lives in scratch.
        """
        rows, columns = (n + 2 for n in self.cells)  # one cell more all around: beyond the last centre nothing is known
        side = self.step // subsampling
        places = cast("Grid", cv2.copyMakeBorder(field, 1, 1, 1, 1, cv2.BORDER_REPLICATE))
        if subsampling != 1:
            places *= np.float32(1 / subsampling)
        places[..., 0] += (np.arange(columns, dtype=np.float32) - 1) * side + np.float32((side - 1) / 2)
        places[..., 1] += ((np.arange(rows, dtype=np.float32) - 1) * side + np.float32((side - 1) / 2))[:, None]
        full = scratch.take("whence", (rows * side, columns * side, 2))
        cv2.resize(places, (columns * side, rows * side), full, interpolation=cv2.INTER_LINEAR)
        down, right = self.shape(subsampling)
        return full[side : side + down, side : side + right]

    def spread_part(self, grid: Grid, inner: Region, subsampling: int, scratch: Scratch, name: str) -> Grid:
        """What `spread` would give in a region that lies within this one, on cells of the same size."""
        top, left = (inner.y0 - self.y0) // self.step, (inner.x0 - self.x0) // self.step
        rows, columns = inner.cells
        above, before = min(1, top), min(1, left)  # a cell more on each side is interpolated with
        part = grid[top - above : top + rows + 1, left - before : left + columns + 1]
        side = self.step // subsampling
        down, right = (n * side for n in part.shape[:2])
        full = scratch.take(name, (down, right, *grid.shape[2:]))
        cv2.resize(part, (right, down), full, interpolation=cv2.INTER_LINEAR)
        shown_rows, shown_columns = inner.shape(subsampling)
        return full[above * side :, before * side :][:shown_rows, :shown_columns]


def size_of(picture: Picture | CardPicture) -> tuple[int, int]:
    """Width and height, pixels."""
    return picture.geometry.width, picture.geometry.height


def step_of(size_px: float, cells: int) -> int:
    """Pixels along a cell, so that a size above 0 is at most `cells` of them: a power of two, 2 or more."""
    return 1 << max(1, math.ceil(math.log2(size_px / cells)))


class Scratch:
    """Memory that is used again from face to face and frame to frame; one user at a time."""

    def __init__(self) -> None:
        self._blocks: dict[str, NDArray[np.uint8]] = {}

    def take(self, name: str, shape: tuple[int, ...]) -> Grid:
        """A float32 array of this shape with undefined contents, which ends the life of the last one of that name."""
        return self.take_bytes(name, (*shape, 4)).view(np.float32)[..., 0]

    def take_bytes(self, name: str, shape: tuple[int, ...]) -> Plane:
        """The same in uint8."""
        size = math.prod(shape)
        block = self._blocks.get(name)
        if block is None or block.size < size:
            block = self._blocks[name] = np.empty(size, np.uint8)
        return block[:size].reshape(shape)

    def copy(self, samples: Plane, name: str) -> Plane:
        """A copy of samples in memory that is taken for it."""
        copy = self.take_bytes(name, samples.shape)
        np.copyto(copy, samples)
        return copy


def halved(y: Plane, scratch: Scratch) -> Plane:
    """The mean of the pixels of each chroma sample of 4:2:0; the last row and column of odd sizes count twice."""
    rows, columns = ((side + 1) // 2 for side in y.shape)
    if y.shape != (2 * rows, 2 * columns):
        even = scratch.take_bytes("even", (2 * rows, 2 * columns))
        down, right = even.shape[0] - y.shape[0], even.shape[1] - y.shape[1]
        y = cv2.copyMakeBorder(y, 0, down, 0, right, cv2.BORDER_REPLICATE, even)  # type: ignore[assignment] # as uint8 as y
    half = scratch.take_bytes("halved", (rows, columns))
    cv2.resize(y, (columns, rows), half, interpolation=cv2.INTER_AREA)
    return half
