"""The frame pool in shared memory of one host, as its owner sees it: lease, write, seal, take back.

The segment is opened with `os.open` and `mmap`: `multiprocessing.shared_memory` unlinks what it merely attached to
before Python 3.13. Pages are reserved and touched at the start, so that a full /dev/shm is an error at once and
never a SIGBUS in mid-frame.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Self

from shared.memory import layout
from shared.memory.pool_owner import PoolOwner
from shared.memory.segment import HostSegment, new_file, touch, write_header
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model.pictures import Colour, Geometry, Picture


class HostPool(PoolOwner[HostSegment]):
    """The owner's side of the pool whose pixels lie in the segment itself."""

    @classmethod
    def create(cls, path: Path, classes: tuple[layout.SlotClass, ...]) -> Self:
        """Make the segment, reserve its memory and put it at `path`, in the place of an older one.

        Raises Misconfigured if the memory is not to be had.
        """
        table, size = layout.place_slots(classes)
        try:
            with new_file(path) as (fd, temporary):
                os.posix_fallocate(fd, 0, size)
                write_header(fd, table, size, layout.HOST_MAGIC)
                segment = HostSegment(fd, size)
                segment.memory.madvise(mmap.MADV_WILLNEED)
                touch(segment.memory)
                temporary.rename(path)
        except OSError as error:
            raise Misconfigured(
                f"The frame pool needs {size >> 20} MiB of shared memory in {path.parent} and did not get it "
                f"({error.strerror}): raise the limit of {path.parent} or lower the pool's slots."
            ) from error
        return cls(path, segment)

    @property
    def fd(self) -> int:
        """The segment's file descriptor, for a decoder that is to write into leased slots."""
        return self._segment.fd

    @property
    def size_bytes(self) -> int:
        """Of the whole segment."""
        return len(self._segment.memory)

    def writable(self, slot: int, geometry: Geometry, colour: Colour) -> Picture:
        """The planes of a leased slot, to be written before it is sealed."""
        self._expect_leased(slot)
        return self._segment.picture(slot, geometry, colour)
