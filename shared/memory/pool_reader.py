"""What the reader of every frame pool does, wherever its pixels lie: take a row, follow the owner, release."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.memory import layout, locks
from shared.memory.segment import Segment
from shared.model.errors import FrameLost, Unavailable, VisavisError

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model.frames import FrameReference

Kind = TypeVar("Kind", bound=Segment)


class PoolReader(ABC, Generic[Kind]):
    """A reader's side: reads any sealed frame in place, releases the ones it holds. Reopens when the owner is new.

    Any thread may use it: what opens and closes excludes what looks words up.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._segment: Kind | None = None
        self._lock = threading.RLock()
        self.row = -1
        """What the owner knows this reader by: its row and the row's turn in one number; -1 before `open`."""

    @abstractmethod
    def _attached(self, fd: int, size: int) -> Kind:
        """The segment of an open file, which from then on is the segment's to close. Raises VisavisError."""

    def open(self) -> None:
        """Map the segment and take a reader's row. Raises Unavailable while there is none or all rows are taken."""
        with self._lock:
            segment = self._map()
            try:
                row = self._take_row(segment)
            except VisavisError:
                segment.close()
                raise
            self.close()
            self._segment, self.row = segment, row

    @property
    def epoch(self) -> int:
        """The epoch of the open segment; 0 if none is open."""
        segment = self._segment
        return segment.epoch if segment else 0

    def follow(self, epoch: int) -> int:
        """Have the segment of that epoch open; answers the row. Raises FrameLost if it is not the lane's pool any
        more."""
        with self._lock:
            if self.epoch != epoch and self._is_replaced():
                try:
                    self.open()
                except Unavailable as error:
                    raise FrameLost(str(error)) from error
            if self.epoch != epoch:
                raise FrameLost(f"The frame is of epoch {epoch}; the pool is in epoch {self.epoch}.")
            return self.row

    def release(self, reference: FrameReference) -> None:
        """This reader is the last holder and done with the frame. A reference that is lost needs no release."""
        with suppress(FrameLost), self._lock:
            segment = self._checked(reference)
            segment.slots[reference.slot]["released"] = reference.generation

    def close(self) -> None:
        """Unmap the segment and give the row back."""
        with self._lock:
            if self._segment is not None:
                self._segment.close()
            self._segment = None
            self.row = -1

    def _checked(self, reference: FrameReference) -> Kind:
        """The segment that has the frame. Raises FrameLost."""
        with self._lock:
            segment = self._segment
            if segment is None or segment.epoch != reference.epoch:
                self.follow(reference.epoch)
                segment = self._segment
            if segment is None or not 0 <= reference.slot < len(segment.slots):
                raise FrameLost(f"There is no slot {reference.slot}.")
            generation = segment.generations.item(reference.slot)
            if generation != reference.generation:
                raise FrameLost(f"Slot {reference.slot} is in generation {generation}, not {reference.generation}.")
            return segment

    def _is_replaced(self) -> bool:
        """Whether another segment than the open one lies at the path.

        To open the same one again would change the row, and all that is held by it would count as a dead reader's.
        """
        if self._segment is None:
            return True
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._segment.fd))
        except FileNotFoundError:
            return False

    def _map(self) -> Kind:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise Unavailable("There is no frame pool; is ingest of this lane running?") from error
        try:
            return self._attached(fd, os.fstat(fd).st_size)
        except VisavisError:
            os.close(fd)
            raise

    def _take_row(self, segment: Kind) -> int:
        for row, words in enumerate(segment.readers):
            if locks.try_lock(segment.fd, layout.FIRST_READER_LOCK + row):
                words["turn"] += 1
                words["name"] = self._name.encode()
                return layout.holder_of(row, int(words["turn"]))
        raise Unavailable(f"All {layout.READERS} reader rows of the frame pool are taken.")
