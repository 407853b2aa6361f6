"""What a stream asks of a card's decoder. The real one is `nvdec.Nvdec`; tests have another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from shared.cuda.device import DeviceArray


class CardRefused(Unavailable):
    """A card cannot decode this video, or not as a CPU would; a CPU may be able to."""


class Decoded(NamedTuple):
    """One frame in the card's memory, to be copied by the decoder's own device before anything else is decoded."""

    number: int
    """Of the packet that it came in."""
    luma: DeviceArray
    """uint8 [rows, columns, or one more]."""
    chroma: DeviceArray
    """uint8 [half the rows, half the columns, 2], both rounded up."""


class CardDecoder(Protocol):
    """One stream's, in the hands of one thread."""

    def decode(self, body: bytes, number: int, pts: int | None) -> list[Decoded]:
        """Frames that are complete now, in order of presentation; of earlier packets as a rule. Raises CardRefused.

        pts: of the packet, if it has one; no two have the same.
        """
        ...

    def flush(self) -> list[Decoded]:
        """The frames that are left. Raises CardRefused."""
        ...

    def close(self) -> None:
        """Give up what it has of the card."""
        ...
