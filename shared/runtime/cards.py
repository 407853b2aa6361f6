"""The card of a lane: whether it has one whose memory its services can share, said once at the start."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shared.cuda.card import Card, why_not
from shared.cuda.watching import CardWatch
from shared.memory import card_probe
from shared.memory.card_memory import CudaMemory
from shared.memory.card_pool import CardPool
from shared.memory.card_reader import CardReader
from shared.memory.lane_reader import LaneReader
from shared.memory.reader import HostReader
from shared.memory.segment import card_segment_path, segment_path
from shared.model.errors import Misconfigured
from shared.model.obstacles import Obstacle, WhyNot
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.cuda.device import Device
    from shared.memory.layout import SlotClass
    from shared.model.sessions import CardUse
    from shared.runtime.settings import LaneSettings

LOOK_SECONDS = 1.0
NOT_WANTED = "VISAVIS_CARD is `none`."


@dataclass(frozen=True, slots=True)
class LaneCard:
    """What ingest has of a card."""

    pool: CardPool | None
    """None: frames lie on the host."""
    why_not: WhyNot | None = None
    """Where there is no pool."""

    @property
    def reason(self) -> str:
        """The sentence of `why_not`; empty where there is a pool."""
        return self.why_not.sentence if self.why_not else ""

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


class Watching:
    """How busy the lane's card is, looked at now and then beside everything else."""

    def __init__(self, watch: CardWatch | None) -> None:
        """watch: None: nobody can tell."""
        self._watch = watch
        self.use: CardUse | None = None
        """At the last look; None where nobody can tell."""

    async def run(self) -> None:
        """Look until cancelled; ends at once where nobody can tell."""
        if self._watch is None:
            return
        try:
            while True:
                self.use = await asyncio.to_thread(self._watch.use)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._watch.close()


def watching(settings: LaneSettings, card: LaneCard) -> Watching:
    """Of the lane's card, if frames lie there."""
    if card.pool is None or settings.card_number is None:
        return Watching(None)
    try:
        return Watching(CardWatch(Card(settings.card_number).bus_address))
    except Misconfigured as error:
        log.info("card not watched", reason=str(error))
        return Watching(None)


def make_pool(settings: LaneSettings, classes: tuple[SlotClass, ...]) -> LaneCard:
    """The lane's frame pool on its card, if two processes can share its memory here; takes some seconds on a card."""
    try:
        card = _pool(settings, classes)
    except Misconfigured as error:
        card = LaneCard(None, WhyNot(Obstacle.NO_MEMORY, str(error)))
    say = log.warning if settings.card.isdigit() and not card.pool else log.info
    say("frames lie", on="card" if card.pool else "host", reason=card.reason)
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


def opener(settings: LaneSettings) -> Callable[[], Device] | None:
    """What makes devices on the lane's card; None where this process cannot use it. The first time takes a second."""
    number = settings.card_number
    return None if number is None or why_not() else partial(Card, number)


def _pool(settings: LaneSettings, classes: tuple[SlotClass, ...]) -> LaneCard:
    """Raises Misconfigured where the memory is not to be had."""
    number = settings.card_number
    if number is None:
        return LaneCard(None, WhyNot(Obstacle.NOT_WANTED, NOT_WANTED))
    if reason := card_probe.why_not(number):
        return LaneCard(None, reason)
    return LaneCard(CardPool.create(card_segment_path(settings.lane), classes, CudaMemory(number)))
