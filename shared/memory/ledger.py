"""Who holds which slot: the owner's own books, plain arithmetic on states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.model.errors import FrameLost


class SlotState(StrEnum):
    """free -> leased -> published -> free; published -> quarantined -> free where the holder cannot be asked."""

    FREE = "free"
    LEASED = "leased"
    PUBLISHED = "published"
    QUARANTINED = "quarantined"


@dataclass(slots=True)
class _Entry:
    size_bytes: int
    state: SlotState = SlotState.FREE
    session: str = ""
    holder: int = -1


class SlotLedger:
    """States of the slots of one pool. The smallest free slot that fits is taken first."""

    def __init__(self, sizes_bytes: list[int]) -> None:
        self._slots = [_Entry(size) for size in sizes_bytes]
        self.largest = max(sizes_bytes, default=0)

    def state(self, slot: int) -> SlotState:
        """Where the slot is in its round."""
        return self._slots[slot].state

    def take(self, size_bytes: int, session: str) -> int | None:
        """Lease the first free slot that is large enough; slots are in order of size. None if there is none."""
        for number, slot in enumerate(self._slots):
            if slot.state is SlotState.FREE and slot.size_bytes >= size_bytes:
                slot.state, slot.session = SlotState.LEASED, session
                return number
        return None

    def publish(self, slot: int, holder: int) -> None:
        """A leased slot now belongs to a reader."""
        entry = self._expect(slot, SlotState.LEASED)
        entry.state, entry.holder = SlotState.PUBLISHED, holder

    def abandon(self, slot: int) -> None:
        """A leased slot comes back unused."""
        self._expect(slot, SlotState.LEASED)
        self.free(slot)

    def free(self, slot: int) -> None:
        """Nobody holds the slot any more."""
        entry = self._slots[slot]
        entry.state, entry.session, entry.holder = SlotState.FREE, "", -1

    def free_all_of(self, holder: int) -> None:
        """A reader is dead: all that it held is free."""
        for slot in self.held():
            if self._slots[slot].holder == holder:
                self.free(slot)

    def end_session(self, session: str, *, confirmed: bool) -> None:
        """Free a session's published slots if their holder confirmed it, else quarantine them."""
        for slot in self.held():
            if self._slots[slot].session == session:
                if confirmed:
                    self.free(slot)
                else:
                    self._slots[slot].state = SlotState.QUARANTINED

    def held(self) -> list[int]:
        """Slots that readers hold."""
        states = (SlotState.PUBLISHED, SlotState.QUARANTINED)
        return [number for number, slot in enumerate(self._slots) if slot.state in states]

    def holders(self) -> set[int]:
        """Rows of the readers that hold anything."""
        return {self._slots[slot].holder for slot in self.held()}

    def count_fitting(self, size_bytes: int) -> int:
        """How many slots are large enough, in use or not."""
        return sum(slot.size_bytes >= size_bytes for slot in self._slots)

    def count_of(self, session: str) -> int:
        """How many slots a session has in use."""
        return sum(slot.session == session for slot in self._slots if slot.state is not SlotState.FREE)

    @property
    def in_use(self) -> int:
        """How many slots are not free."""
        return sum(slot.state is not SlotState.FREE for slot in self._slots)

    def counts(self) -> dict[SlotState, int]:
        """How many slots are in each state; they always add up to all."""
        counts = dict.fromkeys(SlotState, 0)
        for slot in self._slots:
            counts[slot.state] += 1
        return counts

    def _expect(self, slot: int, state: SlotState) -> _Entry:
        entry = self._slots[slot]
        if entry.state is not state:
            raise FrameLost(f"Slot {slot} is {entry.state}, not {state}.")
        return entry
