"""What the owner of every frame pool does, wherever its pixels lie: lease, seal, take back."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.memory import layout, locks
from shared.memory.ledger import SlotLedger, SlotState
from shared.memory.segment import Segment
from shared.model.errors import FrameLost, Unavailable
from shared.model.frames import FrameReference

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model.pictures import Colour, Geometry

Kind = TypeVar("Kind", bound=Segment)


class PoolOwner(Generic[Kind]):
    """The owner's side. One owner a lane; a new owner is a new epoch in a new segment."""

    def __init__(self, path: Path, segment: Kind) -> None:
        self._path = path
        self._segment = segment
        self.ledger = SlotLedger([int(size) for size in segment.slots["size"]])
        self.epoch = segment.epoch

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
        """Offset and size in bytes of a slot within the segment, or within the slab of a card's pool."""
        row = self._segment.slots[slot]
        return int(row["offset"]), int(row["size"])

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
        self._remove()
        self._segment.close()

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == os.fstat(self._segment.fd).st_ino:
                self._path.unlink()

    def _expect_leased(self, slot: int) -> None:
        if self.ledger.state(slot) is not SlotState.LEASED:
            raise FrameLost(f"Slot {slot} is {self.ledger.state(slot)}, not leased.")
