"""Copies of a session's frames for an encoder of the card: from the card to the card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.chroma import interleave
from services.render.surface import Surface
from shared.model.pictures import Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.copies import Copy, Frame
    from shared.cuda.device import Device, DeviceArray
    from shared.cuda.pictures import CardPicture

    Drawn = Callable[[CardPicture], bool]


class SurfaceCopies:
    """As `Copies`, of frames that lie on a card, for an encoder there; what the host has drawn is taken there."""

    def __init__(self, device: Device, copier: Device | None = None, is_drawn: Drawn = lambda _: True) -> None:
        """device, copier, is_drawn: as `CardCopies` has them."""
        self._device, self._is_drawn = device, is_drawn
        self._copier = device if copier is None else copier
        self._here: Surface | None = None
        self._in_turn: Picture | None = None
        """How what the host has drawn is laid out before it is taken to the card."""

    def blank(self, like: Frame) -> Surface:
        """As `Copies` says."""
        # It may have been others' of this device, which still use it; and what writes there may be the copier's.
        self._device.synchronize()
        return Surface.blank(self._device, like.geometry, like.colour)

    def begin(self, frame: Frame, copy: Copy) -> Callable[[], None]:
        """As `Copies` says: on the card behind all that the frame was made by."""
        if isinstance(copy, Picture):
            raise TypeError("a frame is to be copied to the host for an encoder of the card")
        if isinstance(frame, Picture):
            device, planes = self._device, self._taken_there(frame)
        else:
            device, planes = self._device if self._is_drawn(frame) else self._copier, frame.planes
        copy.fill(device, planes)
        return device.mark().wait

    def here(self, frame: Frame) -> Surface:
        """As `Copies` says."""
        if self._here is None:
            self._here = self.blank(frame)
        self.begin(frame, self._here)()
        return self._here

    def _taken_there(self, i420: Picture) -> tuple[DeviceArray, ...]:
        if self._in_turn is None:
            self._in_turn = Picture.blank(i420.geometry.laid_out(PixelFormat.NV12), i420.colour)
        interleave(i420, self._in_turn)
        return tuple(self._device.upload(plane) for plane in self._in_turn.planes)
