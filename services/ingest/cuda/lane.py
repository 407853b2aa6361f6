"""What a lane has of a card: the pool in its memory, and the process that decodes into it."""

from __future__ import annotations

import collections
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.ingest.cuda.fitness import why_not
from shared.runtime.instruments import VIDEOS_DECODED
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.ingest.cuda.decoders import CardDecoders
    from services.ingest.cuda.decoding import CardDecoding, CardLiveDecoding
    from services.ingest.decoders.decoding import Decoding
    from services.ingest.decoders.live import LiveDecoding
    from services.ingest.messages.decoder import ReadVideo
    from shared.memory.card_pool import CardPool
    from shared.model.media import VideoFacts
    from shared.runtime.metrics import Metrics

MOST_STREAMS = 128
"""Each costs some tens of MB of the card's memory; a card that has none left for another refuses it."""


@dataclass(frozen=True, slots=True)
class CardLane:
    """Sessions whose frames lie on the card come by it; all others go the host's way."""

    pool: CardPool
    decoders: CardDecoders
    metrics: Metrics
    why_unread: Callable[[], str] = str
    """Why the lane's other services do not read the pool now, in a sentence; empty if they do."""
    taken: collections.Counter[str] = field(default_factory=collections.Counter)
    """Videos by what became of them: decoded on the card (an empty word), or not, by the reason. What the card gives
    up in mid-stream counts as both."""

    def decoding(self, reading: Decoding, facts: VideoFacts, task: ReadVideo, session: str) -> CardDecoding | None:
        """A context that decodes what `reading` has opened; None, with the reason in the log, if a CPU is to."""
        if self._is_refused(reading, facts, session):
            return None
        return self.decoders.decode(reading, facts, task, self.pool.size_bytes)

    def live_decoding(self, reading: LiveDecoding, facts: VideoFacts, session: str) -> CardLiveDecoding | None:
        """As `decoding`, of a live stream."""
        if self._is_refused(reading, facts, session):
            return None
        return self.decoders.decode_live(reading, facts, self.pool.size_bytes)

    def refused(self, session: str, reason: str) -> None:
        """A video is decoded by a CPU."""
        self.taken[reason] += 1
        self._count("cpu")
        log.info("decoded by the CPU", session=session, reason=reason)

    def _is_refused(self, reading: Decoding, facts: VideoFacts, session: str) -> bool:
        coded = reading.coded
        reason = why_not(coded, facts, self.decoders.ranges) if coded is not None else "It was opened for a CPU."
        if not reason and facts.geometry.size_bytes > self.pool.ledger.largest:
            reason = "No slot on the card holds its frames."
        if not reason and self.decoders.streams >= MOST_STREAMS:
            reason = "The card decodes as many videos as it may."
        reason = reason or self.why_unread()
        if reason:
            self.refused(session, reason)
        else:
            self.taken[""] += 1
            self._count("card")
        return bool(reason)

    def _count(self, by: str) -> None:
        self.metrics.counter(VIDEOS_DECODED).add(1, {"by": by})
