"""Both frame pools of a lane as its services read them: a frame's epoch says in which one it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from shared.memory import layout
from shared.model.errors import FrameLost

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.memory.card_reader import CardReader
    from shared.memory.reader import HostReader
    from shared.model.frames import FrameReference
    from shared.model.pictures import Picture


NO_CARD = "This process reads no frames on a card."


class LaneReader:
    """Reads any sealed frame of the lane in place, releases the ones it holds."""

    def __init__(self, host: HostReader, card: CardReader | None = None, why_no_card: str = NO_CARD) -> None:
        """card: None where this process has no card; why_no_card: the reason, in a sentence."""
        self._host, self._card = host, card
        self.why_no_card = why_no_card or NO_CARD
        """Why frames on a card cannot be read here now, in a sentence; empty if they can be. See `tend`."""

    def open(self) -> None:
        """Open the host's pool. Raises Unavailable while there is none or all rows are taken."""
        self._host.open()

    def follow(self, epoch: int) -> int:
        """Have the pool of that epoch open; answers the reader's row in it. Raises FrameLost if that cannot be."""
        if not layout.is_on_card(epoch):
            return self._host.follow(epoch)
        if self._card is None:
            raise FrameLost(self.why_no_card)
        return self._card.follow(epoch)

    @overload
    def read(self, reference: FrameReference) -> AbstractContextManager[Picture]: ...

    @overload
    def read(
        self, reference: FrameReference, device: Device | None
    ) -> AbstractContextManager[Picture | CardPicture]: ...

    def read(
        self, reference: FrameReference, device: Device | None = None
    ) -> AbstractContextManager[Picture | CardPicture]:
        """The frame where it lies, read-only, valid within the context. device: what reads frames on a card; without it
        only the host's are read.

        Raises FrameLost before, or after use, if the slot is not of that epoch and generation (any more).
        """
        if not layout.is_on_card(reference.epoch):
            return self._host.read(reference)
        if self._card is None or device is None:
            raise FrameLost(NO_CARD)
        return self._card.read(reference, device)

    def release(self, reference: FrameReference) -> None:
        """This reader is the last holder and done with the frame. A reference that is lost needs no release."""
        if not layout.is_on_card(reference.epoch):
            self._host.release(reference)
        elif self._card is not None:
            self._card.release(reference)

    def tend(self) -> None:
        """Have the pool on the card open while there is one, and let go of it when its owner is gone. Call it often."""
        if self._card is not None:
            self.why_no_card = self._card.tend()

    def close(self) -> None:
        """Give the rows back."""
        self._host.close()
        if self._card is not None:
            self._card.close()
