"""The frame pool in a card's memory, as its owner sees it. Its words lie in shared memory of the host."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Self

from shared.memory import layout, locks
from shared.memory.card_segment import CardSegment
from shared.memory.pool_owner import PoolOwner
from shared.memory.segment import new_file, write_header
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.memory.card_memory import CardMemory
    from shared.model.pictures import Colour, Geometry

QUIET_SECONDS = 2.0
"""So long an owner that ends waits for those who have its slab open; they look twice a second."""
_POLL_SECONDS = 0.02


class CardPool(PoolOwner[CardSegment]):
    """The owner's side of the pool whose pixels lie in one block of a card's memory."""

    held_open = 0
    """Others that had the slab open when it was freed."""

    @classmethod
    def create(cls, path: Path, classes: tuple[layout.SlotClass, ...], memory: CardMemory) -> Self:
        """Take the memory, write down how it is opened and put that at `path`, in the place of an older one.

        Raises Misconfigured if the memory is not to be had.
        """
        table, slab_bytes = layout.place_card_slots(classes)
        size = layout.card_segment_bytes(len(table))
        try:
            with new_file(path) as (fd, temporary):
                os.posix_fallocate(fd, 0, size)
                write_header(fd, table, size, layout.CARD_MAGIC)
                segment = CardSegment(fd, size, memory, slab_bytes)
                temporary.rename(path)
        except OSError as error:
            raise Misconfigured(
                f"The words of the card's frame pool cannot be put at {path}: {error.strerror}."
            ) from error
        return cls(path, segment)

    @property
    def size_bytes(self) -> int:
        """Of the slab."""
        return self._segment.slab_bytes

    @property
    def has_writer(self) -> bool:
        """Whether a process that writes into slots has the pool open; a stopped one has."""
        return locks.is_locked(self._segment.fd, layout.WRITER_LOCK)

    def writable(self, slot: int, geometry: Geometry, colour: Colour) -> CardPicture:
        """The planes of a leased slot, to be written before it is sealed."""
        self._expect_leased(slot)
        return self._segment.picture(slot, geometry, colour)

    def written(self, slot: int, device: Device) -> None:
        """This process has told the device all that is to be written into a leased slot; to be said before `seal`."""
        self._expect_leased(slot)
        self._segment.written(slot, device)

    def close(self) -> None:
        """Remove the segment, if it is still this owner's, and free the slab: as soon as nobody else has it open, or
        after QUIET_SECONDS; `held_open` says then how many still had."""
        self._remove()
        end = time.monotonic() + QUIET_SECONDS
        while (others := self._others()) and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        self.held_open = others
        self._segment.close()

    def _others(self) -> int:
        """How many readers and writers have the slab open."""
        bytes_ = range(layout.FIRST_READER_LOCK, layout.WRITER_LOCK + 1)
        return sum(locks.is_locked(self._segment.fd, byte) for byte in bytes_)
