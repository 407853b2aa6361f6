"""Pictures that lie in a card's memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.model.pictures import Picture, planes_in

if TYPE_CHECKING:
    from shared.cuda.device import Device, DeviceArray
    from shared.model.pictures import Colour, Geometry


@dataclass(frozen=True, slots=True)
class CardPicture:
    """Planes in a card's memory: uint8, shaped as `geometry.plane_shapes`, without padding between rows.

    As with `Picture`, who holds it may write only what he leased.
    """

    geometry: Geometry
    colour: Colour
    planes: tuple[DeviceArray, ...]

    @classmethod
    def over(cls, geometry: Geometry, colour: Colour, memory: DeviceArray) -> CardPicture:
        """Views over `memory`, uint8 [geometry.size_bytes or more], without a copy."""
        return cls(geometry, colour, planes_in(memory, geometry))

    @classmethod
    def blank(cls, device: Device, geometry: Geometry, colour: Colour) -> CardPicture:
        """A picture in new memory of its own, contents undefined."""
        return cls.over(geometry, colour, device.empty((geometry.size_bytes,), np.uint8))

    @classmethod
    def uploaded(cls, device: Device, picture: Picture) -> CardPicture:
        """A copy of a picture of the host."""
        planes = tuple(device.upload(np.ascontiguousarray(plane)) for plane in picture.planes)
        return cls(picture.geometry, picture.colour, planes)

    def downloaded(self, device: Device) -> Picture:
        """A copy in the host's memory; waits for all that the device was told before."""
        return Picture(self.geometry, self.colour, tuple(device.download(plane) for plane in self.planes))

    def copy_to(self, device: Device, target: CardPicture) -> None:
        """Copy every sample into `target`, which has the same geometry."""
        for source_plane, target_plane in zip(self.planes, target.planes, strict=True):
            device.copy(source_plane, target_plane)
