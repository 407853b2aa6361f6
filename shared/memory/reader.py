"""The frame pool in shared memory as a reader sees it: read in place, release; open again when the owner is new."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.memory import layout
from shared.memory.pool_reader import PoolReader
from shared.memory.segment import HostSegment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.frames import FrameReference
    from shared.model.pictures import Picture


class HostReader(PoolReader[HostSegment]):
    """A reader of the pool whose pixels lie in the segment itself."""

    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Picture]:
        """The frame in place, read-only, valid within the context.

        Raises FrameLost before, or after use, if the slot is not of that epoch and generation (any more).
        """
        with self._lock:
            segment = self._checked(reference)
            geometry, colour = layout.described(segment.slots[reference.slot])
            picture = segment.picture(reference.slot, geometry, colour)
        for plane in picture.planes:
            plane.flags.writeable = False
        yield picture
        self._checked(reference)

    def _attached(self, fd: int, size: int) -> HostSegment:
        return HostSegment(fd, size)
