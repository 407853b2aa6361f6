"""Pictures and pixels in a card's memory, and the device by which one thread looks at them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.model.pictures import Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.cuda.device import Device, DeviceArray
    from shared.cuda.pictures import CardPicture
    from shared.model.pictures import Colour


@dataclass(frozen=True, slots=True)
class CardView:
    """A picture in a card's memory as it is to be looked at: with a mirror about it, or the other way up, uncopied."""

    picture: CardPicture
    device: Device
    """That of the thread which looks."""
    margin_px: int = 0
    """Width of the mirror along each edge, even."""
    is_turned: bool = False

    @property
    def geometry(self) -> Geometry:
        """Of what is seen, the mirror included."""
        own = self.picture.geometry
        return Geometry(own.format, own.width + 2 * self.margin_px, own.height + 2 * self.margin_px)

    @property
    def colour(self) -> Colour:
        """What its numbers mean."""
        return self.picture.colour

    def half_turned(self) -> CardView:
        """The same the other way up."""
        return replace(self, is_turned=not self.is_turned)

    def mirrored(self, margin_px: int) -> CardView:
        """The same with a mirror along its edges, in which it is seen once more."""
        return replace(self, margin_px=margin_px)


@dataclass(frozen=True, slots=True)
class CardPixels:
    """RGB uint8 [n, rows, columns, 3] in a card's memory, written by what was started on `device`."""

    device: Device
    array: DeviceArray

    def __len__(self) -> int:
        return int(self.array.shape[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """Images, rows, columns, channels."""
        return tuple(self.array.shape)

    def __getitem__(self, part: slice) -> CardPixels:
        return CardPixels(self.device, self.array[part])

    def filled(self, count: int) -> CardPixels:
        """As many images as `count`, `len(self)` or more; those behind the own are of undefined content."""
        if count == len(self):
            return self
        more = self.device.empty((count, *self.shape[1:]), np.uint8)
        self.device.copy(self.array, more[: len(self)])
        return CardPixels(self.device, more)

    def downloaded(self) -> NDArray[Any]:
        """A copy in the host's memory; waits for all that the device was told before."""
        return self.device.download(self.array)
