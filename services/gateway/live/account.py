"""The exact account of a live session: whatever comes, received = delivered + dropped + failed + under way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared.model.live import Place, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Settled = Callable[[str, int, str, str], None]
    """Is told an outcome (`delivered`, `dropped`, `failed`), of how many packets, and where and why."""

MOST_UNDER_WAY = 20_000
"""A lane that never tells what became of packets must not fill the memory: older ones count as lost."""
UNDECODABLE = "undecodable"
"""Why packets fail."""


def _unheard(*_: object) -> None:
    """Nobody counts beside the account."""


class LiveAccount:
    """Knows every packet by its number until it is settled. What is told twice, or of no packet, changes nothing."""

    def __init__(self, told: Settled = _unheard) -> None:
        """told: of every packet whose end is known."""
        self._told = told
        self.received = 0
        self.delivered = 0
        self.failed = 0
        self.dropped: Counter[tuple[Place, Reason]] = Counter()
        self._in_lane: dict[int, None] = {}
        """In order of their numbers."""
        self._in_hand: set[int] = set()
        """Those whose frame is here and waits for the client."""

    @property
    def under_way(self) -> int:
        """Packets of which nobody knows yet what becomes."""
        return len(self._in_lane) + len(self._in_hand)

    def receive(self) -> int:
        """A packet has come; answers its number."""
        self.reach(self.received)
        return self.received - 1

    def reach(self, number: int) -> None:
        """The lane speaks of a packet of its own source: it and all before it have come."""
        for one in range(self.received, number + 1):
            self._in_lane[one] = None
            if len(self._in_lane) > MOST_UNDER_WAY:
                self.drop((next(iter(self._in_lane)),), Place.INGEST, Reason.LOST)
        self.received = max(self.received, number + 1)

    def take(self, number: int) -> bool:
        """A frame has come from the lane; False if nobody waits for it."""
        if number not in self._in_lane:
            return False
        del self._in_lane[number]
        self._in_hand.add(number)
        return True

    def deliver(self, number: int) -> bool:
        """A frame that was taken has gone to the client; False if it was not."""
        if number not in self._in_hand:
            return False
        self._in_hand.remove(number)
        self.delivered += 1
        self._told("delivered", 1, "", "")
        return True

    def drop(self, numbers: Iterable[int], place: Place, reason: Reason) -> int:
        """Nothing comes of these packets; answers of how many that was news.

        Of frames that were taken only the gateway can say so: what others say of them comes too late.
        """
        settled = sum(self._settle(number, in_hand=place is Place.GATEWAY) for number in numbers)
        if settled:
            self.dropped[place, reason] += settled
            self._told("dropped", settled, place, reason)
        return settled

    def fail(self, numbers: Iterable[int]) -> int:
        """These packets cannot be decoded; answers of how many that was news."""
        settled = sum(self._settle(number, in_hand=False) for number in numbers)
        self.failed += settled
        if settled:
            self._told("failed", settled, Place.INGEST, UNDECODABLE)
        return settled

    def lane_ended(self, *, finished: bool) -> None:
        """Nothing more comes from the lane. finished: it said so, and what it never told of could not be decoded."""
        if finished:
            self.fail(tuple(self._in_lane))
        self.drop(tuple(self._in_lane), Place.INGEST, Reason.LOST)

    def close(self) -> None:
        """Nothing more goes to the client either."""
        self.lane_ended(finished=False)
        self.drop(tuple(self._in_hand), Place.GATEWAY, Reason.SLOW_READER)

    def facts(self) -> dict[str, int]:
        """For a log line."""
        numbers = {"received": self.received, "delivered": self.delivered, "failed": self.failed}
        return {**numbers, "dropped": self.dropped.total()}

    def _settle(self, number: int, *, in_hand: bool) -> bool:
        if number in self._in_lane:
            del self._in_lane[number]
            return True
        if in_hand and number in self._in_hand:
            self._in_hand.remove(number)
            return True
        return False
