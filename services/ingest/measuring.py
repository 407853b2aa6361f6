"""What the owner of a lane measures at all times: its frame pools, its room, its card, and the lane's queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.memory.ledger import SlotState
from shared.model.obstacles import Obstacle
from shared.runtime.instruments import CARD_DECODER_USE, CARD_MEMORY, CARD_USE, POOL_SLOTS, ROOM, TRANSPORT
from shared.runtime.presence import NOT_ALL_THERE
from shared.transport.topology import detect_queue, render_queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from services.ingest.live.room import Room
    from shared.memory.ledger import SlotLedger
    from shared.model.sessions import CardUse, WorkerReported
    from shared.runtime.cards import LaneCard
    from shared.runtime.metrics import Metrics
    from shared.transport.topology import Queue

_STATES = {
    SlotState.FREE: "free",
    SlotState.LEASED: "in_use",
    SlotState.PUBLISHED: "in_use",
    SlotState.QUARANTINED: "quarantined",
}


class LaneMeasures:
    """Shows what is so now; `look` is called as often as it may have changed."""

    def __init__(self, metrics: Metrics, host: SlotLedger, card: LaneCard, room: Room) -> None:
        """host: of the pool on the host."""
        self._metrics = metrics
        self._ledgers = {"host": host} | ({"card": card.pool.ledger} if card.pool is not None else {})
        self._own = card.why_not.obstacle if card.why_not else None
        self._room = room

    def look(self, why_not_on_card: str, card: str, use: CardUse | None) -> None:
        """why_not_on_card: as `Presence` says it of the lane.

        card: the card's number. use: of it; None where nobody can tell.
        """
        show = self._metrics.show
        show(POOL_SLOTS, slots(self._ledgers))
        show(ROOM, [(self._room.free_share, {})])
        obstacle = self._own or _obstacle(why_not_on_card)
        way = "shared-memory" if obstacle else "cuda-ipc"
        show(TRANSPORT, [(1, {"transport": way, "reason": obstacle or ""})])
        parts = {
            CARD_USE: _part(use.kernels_percent if use else None),
            CARD_DECODER_USE: _part(use.decoder_percent if use else None),
            CARD_MEMORY: use.memory_used_bytes if use else None,
        }
        for instrument, value in parts.items():
            show(instrument, [] if value is None else [(value, {"card": card})])


def _obstacle(why_not_on_card: str) -> Obstacle | None:
    """Of a lane whose ingest has none."""
    if not why_not_on_card:
        return None
    return Obstacle.LANE_INCOMPLETE if why_not_on_card == NOT_ALL_THERE else Obstacle.NOT_READ


def slots(ledgers: Mapping[str, SlotLedger]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """How many slots are in which state. ledgers: by where the pool lies."""
    for memory, ledger in ledgers.items():
        counts = dict.fromkeys(_STATES.values(), 0)
        for state, count in ledger.counts().items():
            counts[_STATES[state]] += count
        for name, count in counts.items():
            yield count, {"memory": memory, "state": name}


def queues(lane: str, workers: Iterable[WorkerReported]) -> dict[str, list[Queue]]:
    """Those of a lane. workers: all that were heard of lately."""
    renders = [one.worker for one in workers if (one.lane, one.service) == (lane, "render")]
    return {"detect": [detect_queue(lane)], "render": [render_queue(lane, worker) for worker in renders]}


def _part(percent: int | None) -> float | None:
    return None if percent is None else percent / 100
