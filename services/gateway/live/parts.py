"""Frames come from the lane in pieces that the bus takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from shared.model.live import LiveFrame


class FrameParts:
    """Puts frames together. Pieces of one frame follow one another."""

    def __init__(self, most_bytes: int) -> None:
        """most_bytes: a larger frame is none that a client can be sent."""
        self._most = most_bytes
        self._first: LiveFrame | None = None
        self._bodies: list[bytes] = []
        self._size = 0

    def add(self, part: LiveFrame) -> tuple[LiveFrame | None, int | None]:
        """A piece has come; answers the frame if it is whole now, and the number of one that will never be."""
        lost = None
        if self._first is not None and self._first.number != part.number:
            lost = self._first.number
            self._forget()
        if self._first is None:
            self._first = part
        self._size += len(part.body)
        if self._size <= self._most:
            self._bodies.append(part.body)
        if part.more:
            return None, lost
        whole, size = msgspec.structs.replace(self._first, body=b"".join(self._bodies), more=False), self._size
        self._forget()
        return (whole, lost) if size <= self._most else (None, part.number)

    def _forget(self) -> None:
        self._first = None
        self._bodies = []
        self._size = 0
