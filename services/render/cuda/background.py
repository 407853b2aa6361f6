"""Puts something else behind the people of a picture on a card: `effects.frame.background.Backdrops` there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.render.backdrop import LEAST, REACH, SURE
from services.render.effects.frame.background import BESIDE, BRIGHT, SHARP, as_picture, disc, disc_of, painted
from services.render.people import EDGE_LEVELS, MOST_CELLS, RADIUS, VEIL, decided, sure_of
from services.render.region import Region, step_of
from shared.cuda.device import blocks
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from services.render.moment import Moment
    from services.render.shape import FaceShape
    from shared.cuda.device import Argument, Device, DeviceArray, Dim3
    from shared.model.assets import Prepared
    from shared.model.effects import Background
    from shared.model.looks import Look

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 256
"""Of a block that works together; background.cu has as many."""
CHANNELS, KINDS = 3, 4
"""Grids of Y, Cb and Cr; and these with one of weights."""
_GAIN, _LOW = np.float32(255 / (1 - 2 * VEIL)), np.float32(255 * VEIL / (1 - 2 * VEIL))


class CardBackdrops:
    """What stands behind people in a session; pictures are made to fit, and brought to the card, once."""

    def __init__(self, assets: Mapping[str, Prepared]) -> None:
        """assets: what looks refer to, by id."""
        self._assets = assets
        self._still: tuple[Background, Device, CardPicture] | None = None

    def draw(self, target: CardPicture, heads: Sequence[FaceShape], look: Look, moment: Moment, device: Device) -> None:
        """Draw the background of a look in place; the pixels of people stay as they are bit by bit.

        target: nv12, which has no opacity. heads: of all people that have a face. Nothing is drawn where nobody has
        told people apart. It does not wait for the card. Raises Rejected for an asset that is missing or no picture.
        """
        background = look.background
        if background is None or not background.strength or moment.people is None:
            return
        if background.kind == "blur":
            _Matte(target, moment.people, heads, device).put_out_of_focus(background.amount)
        else:
            still = self._fitting(target, background, device)
            _Matte(target, moment.people, heads, device).put_behind(still)

    def _fitting(self, like: CardPicture, background: Background, device: Device) -> CardPicture:
        kept = self._still
        if kept is not None and kept[:2] == (background, device):
            still = kept[2]
            if (still.geometry, still.colour) == (like.geometry, like.colour):
                return still
        planar = Picture.blank(Geometry(PixelFormat.I420, like.geometry.width, like.geometry.height), like.colour)
        y, *halves = as_picture(painted(planar, background, self._assets), planar).planes
        still = CardPicture.uploaded(device, Picture(like.geometry, like.colour, (y, np.stack(halves, -1))))
        self._still = (background, device, still)
        return still


class _Matte:
    """People of one frame, on the card: as `people.Matte`."""

    def __init__(
        self, target: CardPicture, mask: NDArray[np.uint8], heads: Sequence[FaceShape], device: Device
    ) -> None:
        self._device, self._kernels, self._target = device, device.kernels(SOURCE), target
        self._width, self._height = target.geometry.width, target.geometry.height
        longer = max(self._width, self._height)
        self._region = Region(0, 0, self._width, self._height, step_of(longer, MOST_CELLS))
        self._rows, self._columns = self._region.cells
        size = np.int32(self._columns), np.int32(self._rows)
        small = decided(mask)
        self._cells = device.empty((KINDS, *self._region.cells), np.float32)
        self._over(
            self._region.cells, "gathered", *self._picture(), np.int32(self._region.step), *size, device.upload(small),
            *map(np.int32, small.shape[::-1]), device.upload(sure_of(self._region, heads)), self._cells,
        )  # fmt: skip
        lines, self._lines = (device.empty((2, *self._region.cells), np.float32) for _ in range(2))
        radius = np.int32(RADIUS)
        self._over(self._region.cells, "guided", self._cells, *size, radius, np.float32(EDGE_LEVELS**2), lines)
        self._over(self._region.cells, "averaged", lines, *size, radius, self._lines, grids=2)

    def put_behind(self, backdrop: CardPicture) -> None:
        """As `backdrop.put_behind` with the frame's fringes."""
        cells = (self._rows + 1) // 2, (self._columns + 1) // 2
        coarse, weights = self._coarse(cells, weights=2)
        around, totals = self._beside(coarse, weights, cells)
        count, empty = cells[0] * cells[1], self._device.empty
        differences, edges = empty((CHANNELS, *cells), np.float32), empty((CHANNELS, *self._region.cells), np.float32)
        self._along(count, "differing", around, totals, np.int32(count), LEAST, differences, grids=CHANNELS)
        columns, rows = np.int32(self._columns), np.int32(self._rows)
        self._over(
            self._region.cells, "widened", differences, *map(np.int32, cells[::-1]), columns, rows, edges,
            grids=CHANNELS,
        )  # fmt: skip
        self._over(self._target.planes[1].shape[:2], "put_behind", *self._shares(), edges, *backdrop.planes)

    def put_out_of_focus(self, amount: float) -> None:
        """As `backdrop.put_behind` with the frame itself, out of focus."""
        radius_px, step = disc_of((self._width, self._height), amount, self._region.step)
        cells = Region(0, 0, self._width, self._height, step).cells
        count, empty = cells[0] * cells[1], self._device.empty
        coarse, seen = self._coarse(cells, weights=1)
        around, totals = self._beside(coarse, seen, cells)
        lights, soft = empty((KINDS, *cells), np.float32), empty((CHANNELS, *cells), np.uint8)
        bright = np.float32(BRIGHT)
        self._along(count, "weighted", coarse, seen, around, totals, np.int32(count), LEAST, bright, lights)
        kernel = disc(radius_px / step)
        size, reach = map(np.int32, cells[::-1]), np.int32(len(kernel) // 2)
        self._over(cells, "defocused", lights, *size, self._device.upload(kernel), reach, soft)
        sharp = np.float32(max(0.0, 1 - amount / SHARP))
        self._over(
            self._target.planes[1].shape[:2], "put_out_of_focus", *self._shares(), soft,
            *map(np.int32, (*cells[::-1], step)), sharp,
        )  # fmt: skip

    def _coarse(self, cells: tuple[int, int], weights: int) -> tuple[DeviceArray, DeviceArray]:
        """Channels and weights on a coarser grid; two weights are of people and background, one is of what is seen."""
        coarse = self._device.empty((CHANNELS, *cells), np.float32)
        counts = self._device.empty((weights, *cells), np.float32)
        sizes = map(np.int32, (self._columns, self._rows, *cells[::-1]))
        beside = np.float32(BESIDE if weights == 1 else 0)
        self._over(cells, "coarsened", self._cells, *sizes, np.float32(SURE), beside, coarse, counts)
        return coarse, counts

    def _beside(
        self, coarse: DeviceArray, weights: DeviceArray, cells: tuple[int, int]
    ) -> tuple[DeviceArray, DeviceArray]:
        """By weight and kind: the means around each cell, and those of all cells."""
        grids, count = len(weights) * KINDS, cells[0] * cells[1]
        products, once, around = (self._device.empty((grids, *cells), np.float32) for _ in range(3))
        totals = self._device.empty((grids,), np.float32)
        self._along(count, "counted", coarse, weights, np.int32(count), products, grids=len(weights))
        self._kernels.launch("totalled", (grids, 1, 1), (THREADS, 1, 1), products, np.int32(count), totals)
        size, reach = [np.int32(side) for side in cells[::-1]], np.int32(REACH)
        self._over(cells, "averaged", products, *size, reach, once, grids=grids)
        self._over(cells, "averaged", once, *size, reach, around, grids=grids)
        return around, totals

    def _picture(self) -> tuple[Argument, ...]:
        return (*self._target.planes, np.int32(self._width), np.int32(self._height))

    def _shares(self) -> tuple[Argument, ...]:
        """What a kernel needs of the picture and its people."""
        size = np.int32(self._columns), np.int32(self._rows), np.int32(self._region.step)
        return (*self._picture(), self._lines, *size, _GAIN, _LOW)

    def _over(self, shape: tuple[int, int], name: str, *arguments: Argument, grids: int = 1) -> None:
        """Start a kernel of one thread for each place of [rows, columns], as many times as there are grids."""
        (across, down, _), block = blocks(shape[1], shape[0])
        grid: Dim3 = (across, down, grids)
        self._kernels.launch(name, grid, block, *arguments)

    def _along(self, count: int, name: str, *arguments: Argument, grids: int = 1) -> None:
        """The same of one row."""
        self._kernels.launch(name, (-(-count // THREADS), 1, grids), (THREADS, 1, 1), *arguments)
