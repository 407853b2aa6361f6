"""The card of a lane: whether it has one whose memory its services can share, said once at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.memory import card_probe
from shared.memory.card_memory import CudaMemory
from shared.memory.card_pool import CardPool
from shared.memory.card_reader import CardReader
from shared.memory.lane_reader import LaneReader
from shared.memory.reader import HostReader
from shared.memory.segment import card_segment_path, segment_path
from shared.model.errors import Misconfigured
from shared.runtime.telemetry import log

if TYPE_CHECKING:
    from shared.memory.layout import SlotClass
    from shared.runtime.settings import LaneSettings

NOT_WANTED = "VISAVIS_CARD is `none`."


@dataclass(frozen=True, slots=True)
class LaneCard:
    """What ingest has of a card."""

    pool: CardPool | None
    """None: frames lie on the host."""
    why_not: str = ""
    """A sentence, where there is no pool."""

    @property
    def slots_in_use(self) -> int:
        """How many slots are not free."""
        return self.pool.ledger.in_use if self.pool else 0

    def sweep(self) -> None:
        """Take back what was released."""
        if self.pool:
            self.pool.sweep()

    def close(self) -> None:
        """Free the memory when all readers have let go of it, or after a while."""
        if not self.pool:
            return
        self.pool.close()
        if self.pool.held_open:
            log.warning("the card's frame pool was freed while others had it open", others=self.pool.held_open)


def make_pool(settings: LaneSettings, classes: tuple[SlotClass, ...]) -> LaneCard:
    """The lane's frame pool on its card, if two processes can share its memory here; takes some seconds on a card."""
    try:
        card = _pool(settings, classes)
    except Misconfigured as error:
        card = LaneCard(None, str(error))
    say = log.warning if settings.card.isdigit() and not card.pool else log.info
    say("frames lie", on="card" if card.pool else "host", reason=card.why_not)
    return card


def readers(settings: LaneSettings, name: str, count: int) -> list[LaneReader]:
    """Readers of both of the lane's pools, by the card's memory if this process can use it; none is open yet."""
    memory = None
    number, reason = settings.card_number, NOT_WANTED
    if number is not None:
        try:
            memory, reason = CudaMemory(number), ""
        except Misconfigured as error:
            reason = str(error)
    log.info("frames are read", on="host, card" if memory else "host", reason=reason)
    host, card = segment_path(settings.lane), card_segment_path(settings.lane)
    return [
        LaneReader(HostReader(host, name), CardReader(card, name, memory) if memory else None, reason)
        for _ in range(count)
    ]


def _pool(settings: LaneSettings, classes: tuple[SlotClass, ...]) -> LaneCard:
    """Raises Misconfigured where the memory is not to be had."""
    number = settings.card_number
    if number is None:
        return LaneCard(None, NOT_WANTED)
    if reason := card_probe.why_not(number):
        return LaneCard(None, reason)
    return LaneCard(CardPool.create(card_segment_path(settings.lane), classes, CudaMemory(number)))
