"""Hides heads of a picture on a card: `hiding.hide` there, all heads that do not overlap at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from services.render.cuda.layers import layered
from services.render.effects import PRIVACY_EFFECTS
from services.render.effects.privacy.face_blur import sigma_of
from services.render.effects.privacy.face_cover import share_of
from services.render.effects.privacy.face_pixelate import edges_of
from services.render.hiding import region_of, weight_of
from services.render.veil import levels_of
from shared.cuda.device import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from services.render.head import Head
    from services.render.region import Grid, Region
    from shared.cuda.device import Device, DeviceArray, Dim3, Kernels
    from shared.cuda.pictures import CardPicture
    from shared.model.effects import FaceCover
    from shared.model.looks import Look

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 64
"""Of a block that works together; hiding.cu has as many."""
BLUR, SQUARES = np.int32(0), np.int32(1)
"""What the kernel `veiled` shows instead of a head."""
_SQUARES = np.dtype([(name, np.int32) for name in ("first_across", "across", "first_down", "down", "first_mean")])
HEAD = np.dtype([
    *((name, np.int32) for name in ("x0", "y0", "x1", "y1", "step", "rows", "columns")),
    *((name, np.int32) for name in ("first_cell", "first_tap", "taps")),
    ("luma", _SQUARES), ("chroma", _SQUARES),
])  # fmt: skip
"""The kernels' record of a head."""


class Hidden(NamedTuple):
    """A head that is to be hidden."""

    head: Head
    region: Region


class CardHiding:
    """What a look hides heads by, drawn on a card."""

    def draw(self, target: CardPicture, heads: Iterable[Head], look: Look, device: Device) -> None:
        """Hide heads of `target` (nv12) in place, in their order where they overlap; it does not wait for the card."""
        names = [name for name in look.drawn if name in PRIVACY_EFFECTS]
        size = (target.geometry.width, target.geometry.height)
        if not names:
            return
        found = [Hidden(head, region) for head in heads if (region := region_of(head, size)) is not None]
        for layer in layered([hidden.region for hidden in found]):
            veils = _Veils(target, [found[at] for at in layer], device)
            for name in names:
                _DRAWN[name](veils, getattr(look, name))


class _Veils:
    """Heads that share no pixel."""

    def __init__(self, target: CardPicture, hidden: Sequence[Hidden], device: Device) -> None:
        self.hidden, self.device, self.colour = hidden, device, target.colour
        self.kernels: Kernels = device.kernels(SOURCE)
        self.picture = (*target.planes, np.int32(target.geometry.width))
        weights = [weight_of(*one) for one in hidden]
        self.cells = _starts([weight.size for weight in weights])
        self.weights = device.upload(np.concatenate([weight.reshape(-1) for weight in weights]))

    def heads(self) -> NDArray[Any]:
        """[heads] of HEAD: where they are, without what an effect adds."""
        records = np.zeros(len(self.hidden), HEAD)
        for record, (_, region), first in zip(records, self.hidden, self.cells[:-1], strict=True):
            for name in ("x0", "y0", "x1", "y1", "step"):
                record[name] = getattr(region, name)
            record["rows"], record["columns"] = region.cells
            record["first_cell"] = first
        return records

    def launch_over(self, name: str, shapes: Iterable[tuple[int, int]], *arguments: DeviceArray, each: int = 1) -> None:
        """Start a kernel of a thread for each place of grids [rows, columns]: as many as heads, times `each`."""
        rows, columns = np.max(list(shapes), axis=0).tolist()
        (across, down, _), block = blocks(columns, rows)
        grid: Dim3 = (across, down, len(self.hidden) * each)
        self.kernels.launch(name, grid, block, *arguments)

    def blend(self, name: str, heads: DeviceArray, *arguments: DeviceArray) -> None:
        """Start a kernel of one thread for each sample of chroma, which writes to the picture."""
        shapes = [region.shape(2) for _, region in self.hidden]
        self.launch_over(name, shapes, *self.picture, heads, self.weights, *arguments)


def _blur(veils: _Veils, value: float) -> None:
    taps: list[Grid] = [_gaussian(sigma_of(head, value, region.step)) for head, region in veils.hidden]
    records = veils.heads()
    records["first_tap"], records["taps"] = _starts([len(one) for one in taps])[:-1], [len(one) for one in taps]
    heads, weights = veils.device.upload(records.view(np.uint8)), veils.device.upload(np.concatenate(taps))
    cells, soft = (veils.device.empty((3 * veils.cells[-1],), np.float32) for _ in range(2))
    shapes = [region.cells for _, region in veils.hidden]
    veils.launch_over("gathered", shapes, *veils.picture, heads, cells)
    veils.launch_over("blurred", shapes, heads, weights, cells, soft, np.int32(0), each=3)
    veils.launch_over("blurred", shapes, heads, weights, soft, cells, np.int32(1), each=3)
    nothing = heads  # no squares are looked up
    veils.blend("veiled", heads, BLUR, cells, nothing, nothing)


def _gaussian(sigma: float) -> Grid:
    """[n] float32: the kernel that OpenCV chooses for float32."""
    return np.asarray(cv2.getGaussianKernel(round(8 * sigma + 1) | 1, sigma, cv2.CV_32F)[:, 0], np.float32)


def _pixelate(veils: _Veils, value: float) -> None:
    records, first_edge, first_mean, most = veils.heads(), 0, 0, [0, 0]
    edges: list[NDArray[np.intp]] = []
    for record, (head, region) in zip(records, veils.hidden, strict=True):
        for plane, subsampling in (("luma", 1), ("chroma", 2)):
            down, across = edges_of(head, region, value, subsampling)
            rows, columns = len(down) - 1, len(across) - 1
            record[plane] = (first_edge, columns, first_edge + len(across), rows, first_mean)
            edges += [across, down]
            first_edge += len(across) + len(down)
            first_mean += rows * columns
            most = [max(most[0], rows), max(most[1], columns)]
    heads, places = veils.device.upload(records.view(np.uint8)), np.concatenate(edges).astype(np.int32)
    begins, means = veils.device.upload(places), veils.device.empty((first_mean, 2), np.uint8)
    grid = (most[1], most[0], 2 * len(veils.hidden))
    veils.kernels.launch("squared", grid, (THREADS, 1, 1), *veils.picture, heads, begins, means)
    nothing = veils.weights  # no blurred cells are looked up
    veils.blend("veiled", heads, SQUARES, nothing, begins, means)


def _cover(veils: _Veils, value: FaceCover) -> None:
    levels = map(np.int32, levels_of(value.color, veils.colour))
    heads = veils.device.upload(veils.heads().view(np.uint8))
    veils.blend("covered", heads, *levels, np.float32(share_of(value)))


_DRAWN: dict[str, Callable[[_Veils, Any], None]] = {
    "face_blur": _blur,
    "face_pixelate": _pixelate,
    "face_cover": _cover,
}


def _starts(sizes: Sequence[int]) -> list[int]:
    """Where each of several parts that follow each other begins, and where the last one ends."""
    return [0, *np.cumsum(sizes).tolist()]
