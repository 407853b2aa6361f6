"""The pool on a card as its owner has it. What it has in common with the host's: test_host, and the suite of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.memory import card_pool as module
from shared.memory.card_pool import CardPool
from shared.memory.card_writer import CardWriter
from shared.memory.layout import SlotClass, is_on_card
from shared.memory.segment import remove_orphans
from shared.model.errors import FrameLost, Misconfigured
from tests.cuda.file_memory import FileMemory, WatchedCard
from tests.cuda.lanes import EmulatedLane

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model.pictures import Colour, Geometry


def test_its_epoch_says_that_it_is_on_a_card(card_pool: CardPool) -> None:
    assert is_on_card(card_pool.epoch)


def test_memory_that_is_not_to_be_had_leaves_nothing(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path / "card", most_bytes=1 << 20)
    (tmp_path / "card").mkdir()
    with pytest.raises(Misconfigured, match="2 MiB"):
        CardPool.create(tmp_path / "visavis-a", (SlotClass(1, 4096),), memory)
    assert [path.name for path in tmp_path.iterdir()] == ["card"]
    assert not list((tmp_path / "card").iterdir())


def test_a_folder_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="No such file"):
        CardPool.create(tmp_path / "missing" / "visavis-a", (SlotClass(1, 4096),), FileMemory(tmp_path))


def test_only_a_leased_slot_is_written(
    card_lane: EmulatedLane, card_pool: CardPool, geometry: Geometry, colour: Colour
) -> None:
    with pytest.raises(FrameLost, match="free, not leased"):
        card_pool.writable(0, geometry, colour)
    with pytest.raises(FrameLost, match="free, not leased"):
        card_pool.written(0, card_lane.device)


def test_what_was_written_is_recorded(tmp_path: Path, geometry: Geometry, colour: Colour) -> None:
    lane, device = EmulatedLane(tmp_path), WatchedCard()
    pool = lane.own(SlotClass(1, geometry.size_bytes))
    slot = pool.lease(geometry.size_bytes, "s")
    assert slot is not None
    pool.written(slot, device)
    assert device.told == ["record"]
    pool.close()


def test_it_knows_whether_a_writer_is_there(card_lane: EmulatedLane, card_pool: CardPool) -> None:
    assert not card_pool.has_writer
    writer = CardWriter(card_lane.path, card_lane.memory)
    assert card_pool.has_writer
    writer.close()
    assert not card_pool.has_writer


def test_its_memory_and_its_words_go_with_it(tmp_path: Path) -> None:
    lane = EmulatedLane(tmp_path)
    pool = lane.own(SlotClass(3, 4096))
    assert len(list(tmp_path.iterdir())) == 5  # words, slab, three events
    pool.close()
    assert not list(tmp_path.iterdir())


def test_what_others_do_not_close_is_freed_after_a_while_and_counted(
    card_lane: EmulatedLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.05)
    pool = card_lane.own(SlotClass(1, 4096))
    reader = card_lane.reader()
    reader.open()
    pool.close()
    assert pool.held_open == 1
    reader.close()


def test_what_others_have_closed_is_freed_at_once(card_lane: EmulatedLane) -> None:
    pool = card_lane.own(SlotClass(1, 4096))
    reader = card_lane.reader()
    reader.open()
    reader.close()
    pool.close()
    assert pool.held_open == 0


def test_what_a_dead_owner_leaves_is_an_orphan_as_the_hosts_is(card_lane: EmulatedLane, card_pool: CardPool) -> None:
    assert remove_orphans(card_lane.folder) == []
    assert card_lane.path.exists()
