"""The frame pool with real processes that are stopped, woken and killed in the middle of their work."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from shared.memory.layout import SlotClass
from shared.memory.ledger import SlotState
from shared.memory.segment import remove_orphans
from shared.model.errors import FrameLost
from shared.model.pictures import Colour, Geometry, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from shared.memory.host import HostPool
    from shared.memory.reader import HostReader
    from shared.model.frames import FrameReference

    class Lane(Protocol):
        path: Path

        def own(self, *classes: SlotClass) -> HostPool: ...

        def reader(self, name: str = "reader") -> HostReader: ...


SPAWN = multiprocessing.get_context("spawn")
GEOMETRY = Geometry(PixelFormat.I420, 320, 180)
COLOUR = Colour()
SLOTS = 3
CLASSES = (SlotClass(SLOTS, GEOMETRY.size_bytes),)


class Child:
    """A process at the other end of a pipe."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, *words: object) -> Any:
        self.pipe.send(words)
        return self.hear()

    def hear(self, seconds: float = 30.0) -> Any:
        assert self.pipe.poll(seconds), "the other process is silent"
        return self.pipe.recv()

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.join(10)


@contextmanager
def child(target: Callable[..., None], *arguments: object) -> Iterator[Child]:
    one = Child(target, *arguments)
    try:
        yield one
    finally:
        if one.process.is_alive():
            one.kill()
        one.process.join()
        one.pipe.close()
        one.process.close()


def read_as_told(pipe: Connection, reader: HostReader) -> None:
    """A reader. `open`: its row; `read`: the pixel, looked at twice with a word from outside in between."""
    while True:
        word, *rest = pipe.recv()
        if word == "open":
            reader.open()
            pipe.send(reader.row)
        elif word == "read":
            pipe.send(read_slowly(pipe, reader, *rest))
        else:
            reader.release(*rest)
            pipe.send("released")


def read_slowly(pipe: Connection, reader: HostReader, reference: FrameReference) -> str:
    try:
        with reader.read(reference) as picture:
            first = set(picture.planes[0].ravel().tolist())
            pipe.send("looking")
            pipe.recv()
            second = set(picture.planes[0].ravel().tolist())
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
    picture = pool.writable(slot, GEOMETRY, COLOUR)
    pipe.send(pool.epoch)
    while True:
        for value in range(256):
            picture.planes[0][:] = value


def seal(pool: HostPool, value: int, holder: int, session: str = "s") -> FrameReference | None:
    slot = pool.lease(GEOMETRY.size_bytes, session)
    if slot is None:
        return None
    for plane in pool.writable(slot, GEOMETRY, COLOUR).planes:
        plane[:] = value
    return pool.seal(slot, GEOMETRY, COLOUR, holder)


@pytest.fixture
def pool(lane: Lane) -> Iterator[HostPool]:
    pool = lane.own(*CLASSES)
    yield pool
    pool.close()


def test_a_reader_in_another_process_sees_the_very_pixels(lane: Lane, pool: HostPool) -> None:
    with child(read_as_told, lane.reader()) as reader:
        reference = seal(pool, 5, reader.ask("open"))
        assert reader.ask("read", reference) == "looking"
        assert reader.ask("go on") == "{5} {5}"


def test_all_that_a_killed_reader_held_comes_back(lane: Lane, pool: HostPool) -> None:
    with child(read_as_told, lane.reader()) as reader:
        row = reader.ask("open")
        references = [seal(pool, value, row) for value in range(SLOTS)]
        assert reader.ask("read", references[0]) == "looking"
        assert seal(pool, 9, row) is None
        reader.kill()
        assert seal(pool, 9, row) is not None


def test_a_stopped_reader_keeps_its_slots_and_never_sees_foreign_pixels(lane: Lane, pool: HostPool) -> None:
    with child(read_as_told, lane.reader()) as reader:
        row = reader.ask("open")
        reference = seal(pool, 5, row)
        assert reader.ask("read", reference) == "looking"
        reader.signal(signal.SIGSTOP)
        pool.end_session("s", confirmed=False)
        for value in range(10, 30):
            other = seal(pool, value, row, "t")
            if other is not None:
                assert reference is not None
                assert other.slot != reference.slot
        assert pool.ledger.counts()[SlotState.QUARANTINED] == 1
        reader.signal(signal.SIGCONT)
        assert reader.ask("go on") == "{5} {5}"
        assert reader.ask("release", reference) == "released"
        pool.sweep()
        assert pool.ledger.counts()[SlotState.QUARANTINED] == 0


def test_a_stopped_reader_that_is_killed_gives_everything_back(lane: Lane, pool: HostPool) -> None:
    with child(read_as_told, lane.reader()) as reader:
        seal(pool, 5, reader.ask("open"))
        reader.signal(signal.SIGSTOP)
        pool.end_session("s", confirmed=False)
        pool.sweep()
        assert pool.ledger.counts()[SlotState.FREE] == SLOTS - 1
        reader.kill()
        pool.sweep()
        assert pool.ledger.counts()[SlotState.FREE] == SLOTS


def test_who_looks_without_holding_is_told_that_the_frame_is_lost(lane: Lane, pool: HostPool) -> None:
    with child(read_as_told, lane.reader()) as reader:
        row = reader.ask("open")
        reference = seal(pool, 5, row)
        assert reader.ask("read", reference) == "looking"
        pool.end_session("s", confirmed=True)
        for value in range(10, 10 + SLOTS):
            assert seal(pool, value, row) is not None
        assert reader.ask("go on") == "lost"


def test_a_killed_owner_is_followed_by_a_new_epoch(lane: Lane) -> None:
    reader = lane.reader()
    with child(own_and_wait, lane) as owner:
        epoch = owner.hear()
        reader.open()
        assert reader.epoch == epoch
        owner.kill()
    successor = lane.own(*CLASSES)
    reference = seal(successor, 7, 0)
    assert reference is not None
    with reader.read(reference) as picture:
        assert picture.planes[0][0, 0] == 7
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
