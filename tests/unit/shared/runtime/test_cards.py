"""Whether a lane has a card whose memory its services share."""

from __future__ import annotations

import asyncio
import secrets
import threading
from typing import TYPE_CHECKING, Any

import pytest

from shared.memory import card_pool, card_probe
from shared.memory.card_pool import CardPool
from shared.memory.host import HostPool
from shared.memory.layout import SlotClass
from shared.memory.segment import card_segment_path, segment_path
from shared.model.errors import Misconfigured
from shared.model.obstacles import Obstacle, WhyNot
from shared.model.sessions import CardUse
from shared.runtime import cards
from shared.runtime.settings import LaneSettings
from tests.cuda.devices import MISSING
from tests.cuda.file_memory import FileMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CLASSES = (SlotClass(1, 4096),)


@pytest.fixture
def settings() -> Iterator[LaneSettings]:
    """Of a lane of its own, on the card 0."""
    made = LaneSettings(lane=f"test-{secrets.token_hex(4)}", card="0")
    yield made
    for path in (segment_path(made.lane), card_segment_path(made.lane)):
        path.unlink(missing_ok=True)


@pytest.fixture
def has_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """As if this machine had an emulated card, whose probe says that."""

    def with_probe(said: str) -> None:
        why_not = WhyNot(Obstacle.NOT_SHARED, said) if said else None
        monkeypatch.setattr(card_probe, "why_not", lambda _: why_not)
        monkeypatch.setattr(cards, "CudaMemory", lambda _: FileMemory(tmp_path))

    return with_probe


def test_ingest_makes_the_pool_and_the_others_read_it(settings: LaneSettings, has_card: Callable[[str], None]) -> None:
    has_card("")
    host = HostPool.create(segment_path(settings.lane), CLASSES)
    card = cards.make_pool(settings, CLASSES)
    assert isinstance(card.pool, CardPool)
    readers = cards.readers(settings, "detect-1", 2)
    for reader in readers:
        reader.open()
        reader.tend()
        assert reader.why_no_card == ""
    card.pool.lease(1, "s")
    card.sweep()
    assert card.pool.ledger.in_use == 1
    for reader in readers:
        reader.close()
    card.close()
    host.close()
    assert not card_segment_path(settings.lane).exists()


def test_it_is_said_where_the_memory_is_freed_under_others(
    settings: LaneSettings,
    has_card: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    has_card("")
    monkeypatch.setattr(card_pool, "QUIET_SECONDS", 0.05)
    card = cards.make_pool(settings, CLASSES)
    [reader] = cards.readers(settings, "detect-1", 1)
    reader.tend()
    card.close()
    assert "freed while others had it open" in capsys.readouterr().out
    reader.close()


def test_where_the_probe_fails_frames_lie_on_the_host_for_its_reason(
    settings: LaneSettings, has_card: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    has_card("It is not passed on.")
    card = cards.make_pool(settings, CLASSES)
    assert (card.pool, card.why_not) == (None, WhyNot(Obstacle.NOT_SHARED, "It is not passed on."))
    assert "It is not passed on." in capsys.readouterr().out
    card.sweep()
    card.close()


def test_where_there_is_no_memory_frames_lie_on_the_host_for_its_reason(
    settings: LaneSettings, has_card: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Misconfigured("Full.")

    has_card("")
    monkeypatch.setattr(FileMemory, "allocate", refuse)
    assert cards.make_pool(settings, CLASSES) == cards.LaneCard(None, WhyNot(Obstacle.NO_MEMORY, "Full."))


def test_where_no_card_is_wanted_none_is_looked_for(settings: LaneSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_probe, "why_not", None)
    monkeypatch.setattr(cards, "CudaMemory", None)
    unwanted = settings.model_copy(update={"card": "none"})
    assert cards.make_pool(unwanted, CLASSES).why_not == WhyNot(Obstacle.NOT_WANTED, cards.NOT_WANTED)
    [reader] = cards.readers(unwanted, "r", 1)
    assert reader.why_no_card == cards.NOT_WANTED


@pytest.mark.skipif(not MISSING, reason="there is a card")
def test_without_a_card_both_say_so(settings: LaneSettings) -> None:
    assert cards.make_pool(settings, CLASSES).reason
    [reader] = cards.readers(settings, "r", 1)
    assert "cannot be used" in reader.why_no_card


class Watched:
    """A card's watch."""

    def __init__(self) -> None:
        self.looks, self.is_open = 0, True
        self.enough = threading.Event()

    def use(self) -> CardUse:
        self.looks += 1
        if self.looks == 3:
            self.enough.set()
        return CardUse(kernels_percent=self.looks)

    def close(self) -> None:
        self.is_open = False


async def test_a_card_is_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "LOOK_SECONDS", 0.0)
    watch: Any = Watched()
    watching = cards.Watching(watch)
    assert watching.use is None
    running = asyncio.create_task(watching.run())
    await asyncio.to_thread(watch.enough.wait)
    running.cancel()
    await asyncio.wait((running,))
    assert watching.use is not None
    assert not watch.is_open


async def test_where_frames_lie_on_the_host_no_card_is_looked_at(settings: LaneSettings) -> None:
    watching = cards.watching(settings, cards.LaneCard(None, WhyNot(Obstacle.NO_CARD, "There is no card.")))
    await watching.run()
    assert watching.use is None
