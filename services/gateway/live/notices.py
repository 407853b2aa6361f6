"""What is dropped is told as a sum now and then, not one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared.model.live import Reason
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from shared.model.live import Place

_WHY = {
    Reason.LATE: "they were older than `max_delay_ms`",
    Reason.OVERLOAD: "there was no room for them",
    Reason.SLOW_READER: "you do not take what is sent as fast as it comes",
    Reason.PAUSED: "the stream is paused",
    Reason.LOST: "nobody knows what became of them",
}


class DropTally:
    """Sums since it was last told."""

    def __init__(self) -> None:
        self._dropped: Counter[tuple[Place, Reason]] = Counter()
        self._failed = 0

    def drop(self, count: int, place: Place, reason: Reason) -> None:
        """So many were dropped."""
        if count:
            self._dropped[place, reason] += count

    def fail(self, count: int) -> None:
        """So many could not be decoded."""
        self._failed += count

    def tell(self) -> list[streams_pb2.Notice]:
        """What is new, one notice a place and reason; nothing of it is told again."""
        told = [
            streams_pb2.Notice(
                kind="dropped",
                detail=f"Frames were dropped in {place}: {_WHY[reason]}.",
                count=count,
                place=place,
                reason=reason,
            )
            for (place, reason), count in self._dropped.items()
        ]
        if self._failed:
            told.append(streams_pb2.Notice(kind="failed", detail="Packets could not be decoded.", count=self._failed))
        self._dropped.clear()
        self._failed = 0
        return told
