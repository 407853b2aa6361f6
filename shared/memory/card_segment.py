"""The words of a card's pool, mapped, with the slab and the events that they name."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from shared.cuda.pictures import CardPicture
from shared.memory import layout
from shared.memory.segment import Segment
from shared.model.errors import FrameLost, Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.cuda.device import Device
    from shared.memory.card_memory import Block, CardEvent, CardMemory
    from shared.model.pictures import Colour, Geometry


ARRIVE_SECONDS = 2.0
"""So long a sealed frame's last samples may take to be there."""
_SPIN_SECONDS, _POLL_SECONDS = 0.0005, 0.0005


class CardSegment(Segment):
    """A segment whose slots lie in a card's memory. What is looked at is let go of when nobody looks any more."""

    def __init__(self, fd: int, size: int, memory: CardMemory, slab_bytes: int = 0) -> None:
        """slab_bytes: of a new slab, the owner's; 0: the slab that the segment names is opened.

        Raises Misconfigured if the memory is not to be had or lies on another card, Unavailable if the card does not
        pass it on.
        """
        super().__init__(fd, size, layout.CARD_MAGIC)
        count = len(self.slots)
        self._slab: NDArray[np.void] = np.frombuffer(self.memory, layout.SLAB, 1, layout.slab_offset(count))
        self._handles: NDArray[np.uint8] = np.frombuffer(
            self.memory, np.uint8, count * layout.HANDLE_BYTES, layout.events_offset(count)
        ).reshape(count, layout.HANDLE_BYTES)
        self._lookers = threading.Lock()
        self._looking = 0
        self._is_closed = False
        self._pictures: dict[int, CardPicture] = {}
        self._sealed: dict[int, tuple[int, CardPicture]] = {}
        """What was last in each slot, and in which generation: its views are not made again for every look."""
        with ExitStack() as undo:
            self._block = self._made(memory, slab_bytes) if slab_bytes else self._opened(memory)
            undo.callback(self._block.close)
            self._events: list[CardEvent] = []
            for handle in self._handles:
                event = memory.event() if slab_bytes else memory.open_event(handle.tobytes())
                undo.callback(event.close)
                self._events.append(event)
                if slab_bytes:
                    handle[:] = np.frombuffer(event.handle, np.uint8)
            undo.pop_all()

    @property
    def slab_bytes(self) -> int:
        """Of the slab."""
        return int(self._slab[0]["size"])

    def picture(self, slot: int, geometry: Geometry, colour: Colour) -> CardPicture:
        """The planes of a slot where they lie. Raises FrameLost if they do not fit."""
        known = self._pictures.get(slot)
        if known is None or known.geometry != geometry or known.colour != colour:
            start, end = self.extent(slot, geometry)
            known = self._pictures[slot] = CardPicture.over(geometry, colour, self._block.array[start:end])
        return known

    def sealed(self, slot: int, generation: int) -> CardPicture:
        """What lies in a slot of that generation, as the owner has described it."""
        known = self._sealed.get(slot)
        if known is None or known[0] != generation:
            known = self._sealed[slot] = (generation, self.picture(slot, *layout.described(self.slots[slot])))
        return known[1]

    def written(self, slot: int, device: Device) -> None:
        """What the device was told to write into the slot is all there is to be."""
        self._events[slot].record(device)

    def wait(self, slot: int) -> None:
        """Wait until all is there that was told to be written to the slot; as a rule it is. Raises FrameLost.

        A stream that waited for the event would wait for ever if the writer was killed before the card had come to it.
        """
        event, begin = self._events[slot], time.monotonic()
        while not event.has_come():
            waited = time.monotonic() - begin
            if waited > ARRIVE_SECONDS:
                raise FrameLost(f"Slot {slot} was not written to its end: who wrote it is dead, or the card is stuck.")
            if waited > _SPIN_SECONDS:
                time.sleep(_POLL_SECONDS)

    def hold(self) -> None:
        """Somebody looks: the slab stays until `let_go`, even if the segment is closed meanwhile."""
        with self._lookers:
            self._looking += 1

    def let_go(self) -> None:
        """One looks no more."""
        with self._lookers:
            self._looking -= 1
            is_last = self._is_closed and not self._looking
        if is_last:
            self._end()

    def close(self) -> None:
        """Let go of the slab, then of the file and its locks: who frees the slab waits for these."""
        with self._lookers:
            self._is_closed = True
            if self._looking:
                return
        self._end()

    def _end(self) -> None:
        self._pictures.clear()
        self._sealed.clear()
        for event in self._events:
            event.close()
        self._block.close()
        del self._slab, self._handles
        super().close()

    def _made(self, memory: CardMemory, size_bytes: int) -> Block:
        block, slab = memory.allocate(size_bytes), self._slab[0]
        slab["size"], slab["card"] = size_bytes, memory.card.encode()
        slab["handle"] = np.frombuffer(block.handle, np.uint8)
        return block

    def _opened(self, memory: CardMemory) -> Block:
        slab = self._slab[0]
        if bytes(slab["card"]).decode() != memory.card:
            raise Misconfigured(
                "The lane's frame pool lies on another card than the one this process uses: set VISAVIS_CARD alike for "
                "all services of the lane."
            )
        return memory.open(slab["handle"].tobytes(), int(slab["size"]))
