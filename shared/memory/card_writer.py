"""The frame pool in a card's memory as the process sees it that decodes for the owner."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shared.memory import layout, locks
from shared.memory.card_segment import CardSegment
from shared.model.errors import Unavailable, VisavisError

if TYPE_CHECKING:
    from pathlib import Path

    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.memory.card_memory import CardMemory
    from shared.model.pictures import Colour, Geometry


class CardWriter:
    """Writes into slots that the owner has leased and granted. There is one at a time."""

    def __init__(self, path: Path, memory: CardMemory) -> None:
        """Open the pool. Raises Unavailable if there is none, or another still writes into it."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise Unavailable("There is no frame pool on the card; is ingest of this lane running?") from error
        try:
            if not locks.try_lock(fd, layout.WRITER_LOCK):
                raise Unavailable("Another process still writes into the frame pool on the card.")
            self._segment = CardSegment(fd, os.fstat(fd).st_size, memory)
        except VisavisError:
            os.close(fd)
            raise

    @property
    def epoch(self) -> int:
        """Of the pool."""
        return self._segment.epoch

    def writable(self, slot: int, geometry: Geometry, colour: Colour) -> CardPicture:
        """The planes of a slot that was granted. Raises FrameLost if they do not fit."""
        return self._segment.picture(slot, geometry, colour)

    def written(self, slot: int, device: Device) -> None:
        """The device was told all that is to be written into the slot; to be said before the owner is told so."""
        self._segment.written(slot, device)

    def close(self) -> None:
        """Let go of the slab. What the device was told to write must be done."""
        self._segment.close()
