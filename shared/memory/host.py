"""The frame pool in shared memory of one host, as its owner sees it: lease, write, seal, take back.

The segment is opened with `os.open` and `mmap`: `multiprocessing.shared_memory` unlinks what it merely attached to
before Python 3.13. Pages are reserved and touched at the start, so that a full /dev/shm is an error at once and
never a SIGBUS in mid-frame.
"""

from __future__ import annotations

import mmap
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from shared.memory import layout, locks
from shared.memory.ledger import SlotLedger, SlotState
from shared.memory.segment import Segment, touch, write_header
from shared.model.errors import FrameLost, Misconfigured, Unavailable
from shared.model.frames import FrameReference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.model.pictures import Colour, Geometry, Picture


class HostPool:
    """The owner's side. One owner a lane; a new owner is a new epoch in a new segment."""

    def __init__(self, path: Path, segment: Segment) -> None:
        self._path = path
        self._segment = segment
        self.ledger = SlotLedger([int(size) for size in segment.slots["size"]])
        self.epoch = segment.epoch

    @classmethod
    def create(cls, path: Path, classes: tuple[layout.SlotClass, ...]) -> Self:
        """Make the segment, reserve its memory and put it at `path`, in the place of an older one.

        Raises Misconfigured if the memory is not to be had.
        """
        table, size = layout.place_slots(classes)
        try:
            with _new_file(path) as (fd, temporary):
                os.posix_fallocate(fd, 0, size)
                write_header(fd, table, size)
                segment = Segment(fd, size)
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

    def lease(self, size_bytes: int, session: str) -> int | None:
        """A slot of at least `size_bytes` that nobody holds, now of a new generation; None if all are in use.

        Raises Unavailable if no slot of the pool is that large.
        """
        if size_bytes > self.ledger.largest:
            raise Unavailable(f"No slot holds {size_bytes} bytes; the largest has {self.ledger.largest}.")
        slot = self.ledger.take(size_bytes, session)
        if slot is None:
            self.sweep()
            slot = self.ledger.take(size_bytes, session)
        if slot is not None:
            self._segment.slots[slot]["generation"] += 1
        return slot

    def extent(self, slot: int) -> tuple[int, int]:
        """Offset and size in bytes of a slot within the segment."""
        row = self._segment.slots[slot]
        return int(row["offset"]), int(row["size"])

    def writable(self, slot: int, geometry: Geometry, colour: Colour) -> Picture:
        """The planes of a leased slot, to be written before it is sealed."""
        if self.ledger.state(slot) is not SlotState.LEASED:
            raise FrameLost(f"Slot {slot} is {self.ledger.state(slot)}, not leased.")
        return self._segment.picture(slot, geometry, colour)

    def seal(self, slot: int, geometry: Geometry, colour: Colour, holder: int) -> FrameReference:
        """The slot is written: from now on it is immutable, and `holder` (a reader's `row`) will release it."""
        row = self._segment.slots[slot]
        if geometry.size_bytes > int(row["size"]):
            raise FrameLost(f"A {geometry.width}x{geometry.height} frame does not fit slot {slot}.")
        self.ledger.publish(slot, holder)
        layout.describe(row, geometry, colour)
        return FrameReference(self.epoch, slot, int(row["generation"]))

    def abandon(self, slot: int) -> None:
        """Take back a leased slot that was never sealed; whoever wrote to it must be dead or done."""
        self.ledger.abandon(slot)

    def sweep(self) -> None:
        """Take back what was released, and what dead readers held."""
        slots = self._segment.slots
        for slot in self.ledger.held():
            if slots[slot]["released"] == slots[slot]["generation"]:
                self.ledger.free(slot)
        for holder in self.ledger.holders():
            if not self.is_alive(holder):
                self.ledger.free_all_of(holder)

    def is_alive(self, holder: int) -> bool:
        """Whether the kernel still knows the process that took that reader's row; a stopped one is alive."""
        row, turn = layout.row_and_turn(holder)
        held = locks.is_locked(self._segment.fd, layout.FIRST_READER_LOCK + row)
        return held and int(self._segment.readers[row]["turn"]) == turn

    def end_session(self, session: str, *, confirmed: bool) -> None:
        """A session is over. `confirmed`: its holder has said that it will not touch its frames again.

        Without that its sealed slots stay in quarantine until they are released or the holder is dead.
        """
        self.ledger.end_session(session, confirmed=confirmed)

    def close(self) -> None:
        """Remove the segment, if it is still this owner's, and unmap it."""
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == os.fstat(self._segment.fd).st_ino:
                self._path.unlink()
        self._segment.close()


@contextmanager
def _new_file(path: Path) -> Iterator[tuple[int, Path]]:
    """A new file beside `path`, locked before anyone may take it for an orphan; gone again if the block fails."""
    while True:
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if locks.try_lock(fd, layout.OWNER_LOCK) and os.fstat(fd).st_nlink:
            break
        os.close(fd)  # another process, cleaning up, was quicker
    try:
        yield fd, temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        os.close(fd)
        raise
