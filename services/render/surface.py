"""A picture as a card's encoder reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shared.cuda.pictures import CardPicture
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from shared.cuda.device import Device, DeviceArray
    from shared.model.pictures import Colour, Geometry

PITCH_BYTES: Final = 256
"""From row to row a multiple of it, as FFmpeg lays out frames on a card."""


@dataclass(frozen=True, slots=True)
class Surface:
    """An nv12 picture on a card with even sides: chroma follows luma at once, rows are `PITCH_BYTES` * n apart.

    NVENC is told of the first address and the pitch alone, and knows by them where chroma begins.
    """

    picture: CardPicture
    """The picture, as large as it is."""
    even: tuple[DeviceArray, DeviceArray]
    """uint8 [rows, columns] and [rows / 2, columns / 2, 2] with the row and the column that odd sides lack."""

    @property
    def geometry(self) -> Geometry:
        """The picture's."""
        return self.picture.geometry

    @classmethod
    def blank(cls, device: Device, geometry: Geometry, colour: Colour) -> Surface:
        """Of that size, in new memory of its own, contents undefined."""
        geometry = geometry.laid_out(PixelFormat.NV12)
        rows, columns = (side + side % 2 for side in (geometry.height, geometry.width))
        pitch = -(-columns // PITCH_BYTES) * PITCH_BYTES
        memory = device.empty((rows * 3 // 2, pitch), np.uint8)
        luma = memory[:rows, :columns]
        chroma = memory[rows:].reshape(rows // 2, pitch // 2, 2)[:, : columns // 2]
        own = (luma[: geometry.height, : geometry.width], chroma)  # odd sides have chroma of their own already
        return cls(CardPicture(geometry, colour, own), (luma, chroma))

    def fill(self, device: Device, planes: tuple[DeviceArray, ...]) -> None:
        """Have nv12 planes on the device copied here; the last row and column are repeated where a side is odd."""
        for source, target in zip(planes, self.picture.planes, strict=True):
            device.copy(source, target)
        luma, (rows, columns) = self.even[0], (self.geometry.height, self.geometry.width)
        if columns % 2:
            device.copy(luma[:rows, columns - 1 : columns], luma[:rows, columns : columns + 1])
        if rows % 2:
            device.copy(luma[rows - 1 : rows], luma[rows : rows + 1])
