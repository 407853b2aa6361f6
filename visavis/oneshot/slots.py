"""Memory for a few decoded frames at a time, which a decoder process writes and this process reads in place."""

from __future__ import annotations

import mmap
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.model.errors import FrameLost
from shared.model.frames import FrameReference
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.media import Facts

EPOCH = 1
"""Of every reference: the memory lives as long as the process."""


class Slots:
    """A file without a name, in which every slot takes as much memory as the frames that were written there.

    It is the frame pool of a process that has no second reader: one decoding uses it at a time.
    """

    def __init__(self, count: int, slot_bytes: int) -> None:
        """slot_bytes: of the largest frame that may come. Raises OSError where the kernel gives no such file."""
        self.count = count
        self._slot_bytes = -(-slot_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        self.fd = os.memfd_create("visavis-frames")
        try:
            os.ftruncate(self.fd, count * self._slot_bytes)
            self._memory = mmap.mmap(self.fd, count * self._slot_bytes)
        except BaseException:
            os.close(self.fd)
            raise
        self._facts: Facts | None = None

    def of(self, facts: Facts) -> None:
        """From now on every slot holds a frame of these facts."""
        self._facts = facts

    def extent(self, slot: int) -> tuple[int, int]:
        """Offset and size in bytes of a slot within the file."""
        return slot * self._slot_bytes, self._slot_bytes

    def reference(self, slot: int, generation: int) -> FrameReference:
        """What a frame that was written there is called; generation: of its use, for whoever looks at references."""
        return FrameReference(EPOCH, slot, generation)

    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Picture]:
        """The frame in place, read-only. Raises FrameLost for a slot that there is not."""
        if self._facts is None or not 0 <= reference.slot < self.count:
            raise FrameLost(f"There is no slot {reference.slot}.")
        start, size = self.extent(reference.slot)
        picture = Picture.over(self._facts.geometry, self._facts.colour, memoryview(self._memory)[start : start + size])
        for plane in picture.planes:
            plane.flags.writeable = False
        yield picture

    def release(self, reference: FrameReference) -> None:
        """The frame is drawn. Who runs the session knows that and grants the slot again."""

    def close(self) -> None:
        """Give the memory back; what still looks at it keeps it until it is done."""
        try:
            self._memory.close()
        except BufferError:  # a picture is still looked at: the mapping goes with its last view
            pass
        finally:
            os.close(self.fd)
