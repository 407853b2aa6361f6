"""How an array lies in a card's memory, for copies that need no kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shared.cuda.device import DeviceArray


class Rows(NamedTuple):
    """Rows without gaps in them, each so many bytes behind the one before."""

    number: int
    bytes_each: int
    pitch_bytes: int

    @classmethod
    def of(cls, array: DeviceArray) -> Rows | None:
        """The first axis counts rows. None where the samples of one do not follow each other, or rows overlap."""
        if array.ndim < 1 or not array.size:
            return None
        each = array.itemsize
        for length, stride in zip(array.shape[:0:-1], array.strides[:0:-1], strict=True):
            if length > 1 and stride != each:
                return None
            each *= length
        pitch = array.strides[0] if array.shape[0] > 1 else each
        return cls(array.shape[0], each, pitch) if pitch >= each else None
