"""What the owner of a lane measures at all times: the slots of its frame pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.memory.ledger import SlotState
from shared.runtime.instruments import POOL_SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.ingest.lane import Lane
    from shared.memory.ledger import SlotLedger
    from shared.runtime.cards import LaneCard
    from shared.runtime.metrics import Metrics

_STATES = {
    SlotState.FREE: "free",
    SlotState.LEASED: "in_use",
    SlotState.PUBLISHED: "in_use",
    SlotState.QUARANTINED: "quarantined",
}


def watch(metrics: Metrics, lane: Lane, card: LaneCard) -> None:
    """Have it read whenever metrics are asked for."""
    ledgers = {"host": lane.pool.ledger} | ({"card": card.pool.ledger} if card.pool is not None else {})
    metrics.watch(POOL_SLOTS, lambda: slots(ledgers))


def slots(ledgers: Mapping[str, SlotLedger]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """How many slots are in which state. ledgers: by where the pool lies."""
    for memory, ledger in ledgers.items():
        counts = dict.fromkeys(_STATES.values(), 0)
        for state, count in ledger.counts().items():
            counts[_STATES[state]] += count
        for name, count in counts.items():
            yield count, {"memory": memory, "state": name}
