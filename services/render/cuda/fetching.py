"""What of a session's pixels leaves the card: pictures for encoders, and frames that only the host can draw on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.render.chroma import interleave
from services.render.copies import nothing_to_wait_for, on_host
from shared.model.pictures import Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.copies import Copy, Frame
    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture

    Drawn = Callable[[CardPicture], bool]


@dataclass(slots=True)
class Fetched:
    """How much of a session's pixels was copied from a card to the host."""

    frames: int = 0
    """Whole pictures."""
    frame_bytes: int = 0
    drawn_on_host: int = 0
    """Those of them that were fetched because their look could not be drawn on the card."""
    crops: int = 0
    """Small pictures of single faces."""
    crop_bytes: int = 0


class CardCopies:
    """As `Copies`, of frames that lie on a card or, drawn on the host, there: nv12 in pinned memory."""

    def __init__(
        self, device: Device, fetched: Fetched, copier: Device | None = None, is_drawn: Drawn = lambda _: True
    ) -> None:
        """device: that draws the session's frames, in the hands of the same thread. fetched: counts.

        copier: copies frames as they came, which are those of which `is_drawn` says no; None: the device, too.
        """
        self._device, self._fetched = device, fetched
        self._copier, self._is_drawn = device if copier is None else copier, is_drawn
        self._here: Picture | None = None

    def blank(self, like: Frame) -> Picture:
        """As `Copies` says."""
        return pinned(self._device, like)

    def begin(self, frame: Frame, copy: Copy) -> Callable[[], None]:
        """As `Copies` says: on the card behind all that the frame was made by."""
        target = on_host(copy)
        if isinstance(frame, Picture):
            interleave(frame, target)
            return nothing_to_wait_for
        return fetch(self._device if self._is_drawn(frame) else self._copier, frame, target, self._fetched)

    def here(self, frame: Frame) -> Picture:
        """As `Copies` says."""
        if self._here is None:
            self._here = self.blank(frame)
        self.begin(frame, self._here)()
        return self._here


def pinned(device: Device, like: Frame) -> Picture:
    """Memory for a picture of that size in nv12 that is fetched from the card."""
    geometry = like.geometry.laid_out(PixelFormat.NV12)
    return Picture.over(geometry, like.colour, device.pinned(geometry.size_bytes))


def fetch(device: Device, picture: CardPicture, target: Picture, fetched: Fetched) -> Callable[[], None]:
    """Begin to copy a picture into pinned memory; what is returned waits until it is there, from any thread."""
    for source, plane in zip(picture.planes, target.planes, strict=True):
        device.fetch(source, plane)
    fetched.frames += 1
    fetched.frame_bytes += picture.geometry.size_bytes
    return device.mark().wait
