"""Lays the face template on the grids of faces on a card: `uv.laid` there, for all faces at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.cuda.toning import INCLUDED
from services.render.pose import head_view
from services.render.uv import template_net
from shared.cuda.device import blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.render.region import Region
    from services.render.shape import FaceShape
    from shared.cuda.device import Argument, Device, DeviceArray, Dim3

SOURCE: Final = Path(__file__).with_suffix(".cu")
THREADS: Final = 1024
"""Of a block that works on a face together; draping.cu has as many."""
MOST_TRIANGLES: Final = 1024
"""Of the template, that kernels have room for."""
DRAPE: Final = np.dtype(
    [*((name, np.int32) for name in ("rows", "columns", "first_cell")), ("unit", np.float32)], align=True
)
"""The kernels' record of a face. `unit`: the head's scale in cells."""


class Draping:
    """The template on a card."""

    def __init__(self, device: Device) -> None:
        """Bring it there. It does not wait for the card."""
        net = template_net()
        self.device = device
        of_points = np.ascontiguousarray(net.spots.T)  # so that neighbours among threads read neighbours
        self._there = [device.upload(array) for array in (net.corners.astype(np.int32), net.uv, of_points)]
        self._sizes = [np.int32(size) for size in (net.corners.shape[1], net.face, len(net.spots))]

    def wanted(self, triangles: NDArray[np.bool_]) -> DeviceArray:
        """Which triangles matter, as `uv.laid` has it, on the card."""
        return self.device.upload(triangles.astype(np.uint8))

    def laid(self, faces: Sequence[tuple[FaceShape, Region]], wanted: DeviceArray) -> DeviceArray:
        """The template on faces of the mesh: float32, u and v in turn of the cells of all faces, one after the other,
        and then by how much each cell faces the camera. wanted: of `wanted`. It does not wait for the card.
        """
        device, kernels = self.device, self.device.kernels(SOURCE, INCLUDED)
        drapes = np.zeros(len(faces), DRAPE)
        points = []
        for drape, (shape, region) in zip(drapes, faces, strict=True):
            drape["rows"], drape["columns"] = region.cells
            drape["unit"] = head_view(shape.landmarks_px).scale_px / region.step
            points += [region.to_grid(shape.points_px).T, shape.landmarks_px[None, :, 2]]
        cells = drapes["rows"] * drapes["columns"]
        drapes["first_cell"] = np.cumsum(cells) - cells
        count = int(cells.sum())
        told = drapes.tobytes() + np.concatenate(points).astype(np.float32).tobytes()
        net: tuple[Argument, ...] = (*self._there, wanted, *self._sizes)
        first, number = device.upload(np.frombuffer(told, np.uint8)), np.int32(len(faces))
        facing = device.empty((len(faces) * int(self._sizes[2]),), np.float32)
        top, sheet = device.empty((count,), np.uint64), device.empty((4 * count,), np.float32)
        kernels.launch("seen", (len(faces), 1, 1), (THREADS, 1, 1), first, number, *net, facing, top)
        (across, down, _), block = blocks(int(drapes["columns"].max()), int(drapes["rows"].max()))
        grid: Dim3 = (across, down, len(faces))
        kernels.launch("covered", grid, block, first, number, *net, facing, top, sheet)
        laid = device.empty((3 * count,), np.float32)
        kernels.launch("continued", grid, block, first, sheet, np.int32(count), laid)
        return laid
