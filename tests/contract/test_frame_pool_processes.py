"""The frame pool with real processes that are stopped, woken and killed in the middle of their work."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from shared.memory.layout import SlotClass
from shared.memory.ledger import SlotState
from shared.memory.segment import remove_orphans
from shared.model.errors import FrameLost
from shared.model.pictures import Colour, Geometry, PixelFormat
from tests.children import child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from shared.memory.card_pool import CardPool
    from shared.memory.card_reader import CardReader
    from shared.memory.host import HostPool
    from shared.memory.reader import HostReader
    from shared.model.frames import FrameReference
    from tests.cuda.lanes import Lane

    Pool = HostPool | CardPool


GEOMETRY = Geometry(PixelFormat.I420, 320, 180)
COLOUR = Colour()
SLOTS = 3
CLASSES = (SlotClass(SLOTS, GEOMETRY.size_bytes),)


def read_as_told(pipe: Connection, lane: Lane) -> None:
    """A reader. `open`: its row; `read`: the pixel, looked at twice with a word from outside in between."""
    reader = lane.reader()
    while True:
        word, *rest = pipe.recv()
        if word == "open":
            reader.open()
            pipe.send(reader.row)
        elif word == "read":
            pipe.send(read_slowly(pipe, lane, reader, *rest))
        else:
            reader.release(*rest)
            pipe.send("released")


def read_slowly(pipe: Connection, lane: Lane, reader: HostReader | CardReader, reference: FrameReference) -> str:
    try:
        with lane.read(reader, reference) as picture:
            first = lane.values(picture)
            pipe.send("looking")
            pipe.recv()
            second = lane.values(picture)
            del picture
    except FrameLost:
        return "lost"
    return f"{first} {second}"


def own_and_wait(pipe: Connection, lane: Lane) -> None:
    """An owner that has a lease and dies with it."""
    pool = lane.own(*CLASSES)
    pool.lease(1, "s")
    pipe.send(pool.epoch)
    pipe.recv()


def write_for_ever(pipe: Connection, lane: Lane) -> None:
    """An owner in the middle of writing."""
    pool = lane.own(*CLASSES)
    slot = pool.lease(GEOMETRY.size_bytes, "s")
    assert slot is not None
    pipe.send(pool.epoch)
    while True:
        for value in range(256):
            lane.write(pool, slot, GEOMETRY, COLOUR, value)


def seal(lane: Lane, pool: Pool, value: int, holder: int, session: str = "s") -> FrameReference | None:
    slot = pool.lease(GEOMETRY.size_bytes, session)
    if slot is None:
        return None
    lane.write(pool, slot, GEOMETRY, COLOUR, value)
    return pool.seal(slot, GEOMETRY, COLOUR, holder)


@pytest.fixture
def pool(lane: Lane) -> Iterator[Pool]:
    pool = lane.own(*CLASSES)
    yield pool
    pool.close()


def test_a_reader_in_another_process_sees_the_very_pixels(lane: Lane, pool: Pool) -> None:
    with child(read_as_told, lane) as reader:
        reference = seal(lane, pool, 5, reader.ask("open"))
        assert reader.ask("read", reference) == "looking"
        assert reader.ask("go on") == "{5} {5}"


def test_all_that_a_killed_reader_held_comes_back(lane: Lane, pool: Pool) -> None:
    with child(read_as_told, lane) as reader:
        row = reader.ask("open")
        references = [seal(lane, pool, value, row) for value in range(SLOTS)]
        assert reader.ask("read", references[0]) == "looking"
        assert seal(lane, pool, 9, row) is None
        reader.kill()
        assert seal(lane, pool, 9, row) is not None


def test_a_stopped_reader_keeps_its_slots_and_never_sees_foreign_pixels(lane: Lane, pool: Pool) -> None:
    with child(read_as_told, lane) as reader:
        row = reader.ask("open")
        reference = seal(lane, pool, 5, row)
        assert reader.ask("read", reference) == "looking"
        reader.signal(signal.SIGSTOP)
        pool.end_session("s", confirmed=False)
        for value in range(10, 30):
            other = seal(lane, pool, value, row, "t")
            if other is not None:
                assert reference is not None
                assert other.slot != reference.slot
        assert pool.ledger.counts()[SlotState.QUARANTINED] == 1
        reader.signal(signal.SIGCONT)
        assert reader.ask("go on") == "{5} {5}"
        assert reader.ask("release", reference) == "released"
        pool.sweep()
        assert pool.ledger.counts()[SlotState.QUARANTINED] == 0


def test_a_stopped_reader_that_is_killed_gives_everything_back(lane: Lane, pool: Pool) -> None:
    with child(read_as_told, lane) as reader:
        seal(lane, pool, 5, reader.ask("open"))
        reader.signal(signal.SIGSTOP)
        pool.end_session("s", confirmed=False)
        pool.sweep()
        assert pool.ledger.counts()[SlotState.FREE] == SLOTS - 1
        reader.kill()
        pool.sweep()
        assert pool.ledger.counts()[SlotState.FREE] == SLOTS


def test_who_looks_without_holding_is_told_that_the_frame_is_lost(lane: Lane, pool: Pool) -> None:
    with child(read_as_told, lane) as reader:
        row = reader.ask("open")
        reference = seal(lane, pool, 5, row)
        assert reader.ask("read", reference) == "looking"
        pool.end_session("s", confirmed=True)
        for value in range(10, 10 + SLOTS):
            assert seal(lane, pool, value, row) is not None
        assert reader.ask("go on") == "lost"


def test_a_killed_owner_is_followed_by_a_new_epoch(lane: Lane) -> None:
    reader = lane.reader()
    with child(own_and_wait, lane) as owner:
        epoch = owner.hear()
        reader.open()
        assert reader.epoch == epoch
        owner.kill()
    successor = lane.own(*CLASSES)
    reference = seal(lane, successor, 7, 0)
    assert reference is not None
    with lane.read(reader, reference) as picture:
        assert lane.values(picture) == {7}
        del picture
    assert reader.epoch == successor.epoch != epoch
    reader.close()
    successor.close()


@pytest.mark.parametrize("target", [own_and_wait, write_for_ever])
def test_what_a_killed_owner_leaves_is_removed(lane: Lane, tmp_path: Path, target: Callable[..., None]) -> None:
    with child(target, lane) as owner:
        owner.hear()
        assert remove_orphans(tmp_path) == []
        owner.signal(signal.SIGSTOP)
        assert remove_orphans(tmp_path) == []
        owner.kill()
    assert remove_orphans(tmp_path) == [lane.path]
    assert not lane.path.exists()
