"""Packets that came and are not decoded yet: what is too old among them is dropped so that the rest can be decoded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.live import LivePacket

MOST_BYTES: Final = 64 << 20
"""Of packets that wait; the oldest go first."""


class Inbox:
    """In order of arrival. Knows no clock."""

    def __init__(self, max_delay_ms: int, *, intra: bool = False) -> None:
        self._delay_ns = max_delay_ms * 1_000_000
        self.intra = intra
        """True: every packet stands for itself; False: it needs those since the last key frame."""
        self._waiting: deque[LivePacket] = deque()
        self._bytes = 0
        self._parts: list[bytes] = []
        self.wants_key = False
        """True: nothing can be decoded before the next key frame."""

    def __len__(self) -> int:
        return len(self._waiting)

    def deadline_ns(self, packet: LivePacket) -> int:
        """After that the packet's frame is of no use."""
        return packet.arrived_ns + self._delay_ns

    def put(self, packet: LivePacket) -> None:
        """A packet, or a part of one, has come."""
        self._parts.append(packet.body)
        if packet.more:
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        whole = (
            packet
            if body is packet.body
            else type(packet)(
                number=packet.number, pts=packet.pts, key=packet.key, arrived_ns=packet.arrived_ns, body=body
            )
        )
        self._waiting.append(whole)
        self._bytes += len(body)

    def take(self, now_ns: int) -> tuple[LivePacket | None, Sequence[int]]:
        """The next packet to decode, None if there is none; and the numbers of those that are dropped for it."""
        dropped: list[int] = []
        while self._waiting and self._is_hopeless(self._waiting[0], now_ns):
            dropped.extend(self._skipped())
        return (self._popped() if self._waiting else None), dropped

    def _is_hopeless(self, packet: LivePacket, now_ns: int) -> bool:
        if self.wants_key and (packet.key or self.intra):
            self.wants_key = False
        return self.wants_key or self._bytes > MOST_BYTES or now_ns > self.deadline_ns(packet)

    def _skipped(self) -> list[int]:
        """Drop the oldest, and what cannot be decoded without it."""
        numbers = [self._popped().number]
        if self.intra:
            return numbers
        while self._waiting and not self._waiting[0].key:
            numbers.append(self._popped().number)
        self.wants_key = not self._waiting
        return numbers

    def _popped(self) -> LivePacket:
        packet = self._waiting.popleft()
        self._bytes -= len(packet.body)
        return packet
