"""The frame pool in a card's memory as a reader sees it: read in place, release; open again when the owner is new."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.memory import layout, locks
from shared.memory.card_segment import CardSegment
from shared.memory.pool_reader import PoolReader
from shared.model.errors import Unavailable, VisavisError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.memory.card_memory import CardMemory
    from shared.model.frames import FrameReference


class CardReader(PoolReader[CardSegment]):
    """A reader of the pool whose pixels lie in a card's memory."""

    def __init__(self, path: Path, name: str, memory: CardMemory) -> None:
        """memory: of this process, of the card that the pool lies on."""
        super().__init__(path, name)
        self._memory = memory
        self._why = ""
        self._refused: os.stat_result | None = None

    @contextmanager
    def read(self, reference: FrameReference, device: Device) -> Iterator[CardPicture]:
        """The frame in place, to be read by what `device` is told within the context, which ends when that is done.

        Nothing may write to it. Raises FrameLost before, or after use, if the slot is not of that epoch and generation
        (any more).
        """
        with self._lock:
            segment = self._checked(reference)
            picture = segment.sealed(reference.slot, reference.generation)
            segment.hold()
        try:
            segment.wait(reference.slot)
            try:
                yield picture
            finally:
                device.synchronize()
        finally:
            segment.let_go()
        self._checked(reference)

    def tend(self) -> str:
        """Have the lane's slab open while its owner lives, and let go of it else; call it often.

        Answers why frames on the card cannot be read now, in a sentence; empty if they can be.
        """
        with self._lock:
            segment = self._segment
            if segment is not None and (not self._path.exists() or not locks.is_locked(segment.fd, layout.OWNER_LOCK)):
                self.close()  # who frees the slab waits for this, or is dead: its frames are lost
            if self._segment is None:
                self._try_to_open()
            return self._why

    def _try_to_open(self) -> None:
        """What was refused once is not tried again."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._why, self._refused = "The lane has no frame pool on a card.", None
            return
        if self._refused is not None and os.path.samestat(found, self._refused):
            return
        try:
            self.open()
        except VisavisError as error:
            self._why, self._refused = str(error), found
        else:
            self._why, self._refused = "", None

    def _attached(self, fd: int, size: int) -> CardSegment:
        if not locks.is_locked(fd, layout.OWNER_LOCK):
            raise Unavailable("The owner of the frame pool on the card has ended.")
        return CardSegment(fd, size, self._memory)
