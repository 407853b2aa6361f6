"""Packets that came and are not decoded yet: what is too old among them is dropped so that the rest can be decoded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.live import LivePacket

PATIENCE: Final = 0.4
"""Share of the delay budget that a packet may wait here: its frame has a way to go after that."""
MOST_BYTES: Final = 64 << 20
"""Of packets that wait; the oldest go first."""
MOST_PAUSES: Final = 16
"""So many are known: of what came in one before these nothing is under way any more."""


class Inbox:
    """In order of arrival. Knows no clock."""

    def __init__(self, max_delay_ms: int, *, intra: bool = False) -> None:
        self._delay_ns = max_delay_ms * 1_000_000
        self._patience_ns = int(PATIENCE * self._delay_ns)
        self.last = -1
        """Number of the last packet that has come."""
        self.intra = intra
        """True: every packet stands for itself; False: it needs those since the last key frame."""
        self._waiting: deque[LivePacket] = deque()
        self._bytes = 0
        self._parts: list[bytes] = []
        self._parts_of = -1
        self.wants_key = False
        """True: nothing can be decoded before the next key frame."""
        self.breaks = 0
        """How often that began."""
        self._paused_after: int | None = None
        self._pauses: deque[tuple[int, int]] = deque(maxlen=MOST_PAUSES)

    def __len__(self) -> int:
        return len(self._waiting)

    def pause(self, *, paused: bool) -> None:
        """Of the packets that come from now on no frame is wanted, or of those that come from now on again."""
        if self._paused_after is not None:
            self._pauses.append((self._paused_after, self.last))
        self._paused_after = self.last if paused else None

    def is_paused(self, number: int) -> bool:
        """Whether that packet has come in a pause."""
        goes_on = self._paused_after is not None and number > self._paused_after
        return goes_on or any(after < number <= last for after, last in self._pauses)

    def deadline_ns(self, packet: LivePacket) -> int:
        """After that the packet's frame is of no use."""
        return packet.arrived_ns + self._delay_ns

    def put(self, packet: LivePacket) -> None:
        """A packet, or a part of one, has come."""
        if packet.number != self._parts_of:  # what came of another is of no use without its end
            self._parts, self._parts_of = [], packet.number
        self._parts.append(packet.body)
        if packet.more:
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._parts_of = [], -1
        whole = (
            packet
            if body is packet.body
            else type(packet)(
                number=packet.number, pts=packet.pts, key=packet.key, arrived_ns=packet.arrived_ns, body=body
            )
        )
        self._waiting.append(whole)
        self.last = whole.number
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
        return self.wants_key or self._bytes > MOST_BYTES or now_ns > packet.arrived_ns + self._patience_ns

    def _skipped(self) -> list[int]:
        """Drop the oldest, and what cannot be decoded without it: all before the newest key frame."""
        if self.intra:
            return [self._popped().number]
        newest = max((place for place, packet in enumerate(self._waiting) if packet.key and place), default=None)
        if newest is None and not self.wants_key:
            self.breaks += 1
        self.wants_key = newest is None
        return [self._popped().number for _ in range(len(self._waiting) if newest is None else newest)]

    def _popped(self) -> LivePacket:
        packet = self._waiting.popleft()
        self._bytes -= len(packet.body)
        return packet
