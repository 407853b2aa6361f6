"""The frame pool under every order of events that Hypothesis thinks of, against a model that is too simple to be wrong.

The model knows for each slot which generation was written with which pixels, and who may still look at it.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.memory.layout import SlotClass
from shared.memory.ledger import SlotState
from shared.model.errors import FrameLost
from shared.model.pictures import Colour, Geometry, Matrix, PixelFormat

if TYPE_CHECKING:
    from shared.cuda.pictures import CardPicture
    from shared.memory.card_pool import CardPool
    from shared.memory.card_reader import CardReader
    from shared.memory.host import HostPool
    from shared.memory.reader import HostReader
    from shared.model.frames import FrameReference
    from shared.model.pictures import Picture
    from tests.cuda.lanes import Lane

    Pool = HostPool | CardPool
    Reader = HostReader | CardReader

GEOMETRIES = (Geometry(PixelFormat.I420, 15, 9), Geometry(PixelFormat.RGB24, 40, 40))
CLASSES = (SlotClass(1, 4096), SlotClass(1, 8192))
SLOTS = 2
SESSIONS = ("s", "t")


@dataclass(eq=False)
class Lease:
    """A slot that the owner may write."""

    pool: Pool
    slot: int
    session: str
    geometry: Geometry


@dataclass(eq=False)
class Sealed:
    """A frame as its holder knows it."""

    reference: FrameReference
    pool: Pool
    session: str
    geometry: Geometry
    value: int
    holder: Reader
    row: int
    over: bool = False
    """Released, or its session's end confirmed, or its holder dead: the slot may be used again."""


@dataclass(eq=False)
class Reading:
    """A frame that somebody is looking at right now."""

    sealed: Sealed
    reader: Reader
    picture: Picture | CardPicture | None
    stack: ExitStack = field(default_factory=ExitStack)


class FramePoolMachine(RuleBasedStateMachine):
    """Owner, decoders and readers of one lane."""

    make_lane: ClassVar[object]
    leases = Bundle("leases")
    frames = Bundle("frames")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="visavis-states-"))
        self.lane: Lane = type(self).make_lane(self.folder)  # type: ignore[operator]  # a class in a class variable
        self.pools: list[Pool] = []
        self.readers: list[Reader] = []
        self.sealed: list[Sealed] = []
        self.leased: list[Lease] = []
        self.looking: list[Reading] = []
        self.value = 0

    @property
    def pool(self) -> Pool:
        return self.pools[-1]

    @initialize()
    def start(self) -> None:
        self.pools.append(self.lane.own(*CLASSES))
        self.readers = [self.lane.reader(name) for name in ("a", "b")]
        for reader in self.readers:
            reader.open()

    @rule(target=leases, session=st.sampled_from(SESSIONS), geometry=st.sampled_from(GEOMETRIES))
    def lease(self, session: str, geometry: Geometry) -> object:
        slot = self.pool.lease(geometry.size_bytes, session)
        if slot is None:
            return multiple()
        assert slot not in {one.slot for one in self.leased if one.pool is self.pool}, "two writers"
        holders = [one for one in self.sealed if self.is_held(one) and one.reference.slot == slot]
        assert not holders, "a slot that a reader may still look at was leased"
        self.leased.append(Lease(self.pool, slot, session, geometry))
        return self.leased[-1]

    @rule(target=frames, lease=consumes(leases), number=st.integers(0, 1))
    def write_and_seal(self, lease: Lease, number: int) -> object:
        if lease not in self.leased:
            return multiple()
        holder = self.readers[number]
        holder.follow(self.pool.epoch)
        self.value = self.value % 250 + 1
        colour = Colour(Matrix.BT709, full_range=True)
        self.lane.write(lease.pool, lease.slot, lease.geometry, colour, self.value)
        reference = lease.pool.seal(lease.slot, lease.geometry, colour, holder.row)
        self.leased.remove(lease)
        self.sealed.append(Sealed(reference, lease.pool, lease.session, lease.geometry, self.value, holder, holder.row))
        return self.sealed[-1]

    @rule(
        target=frames, session=st.sampled_from(SESSIONS), geometry=st.sampled_from(GEOMETRIES), number=st.integers(0, 1)
    )
    def capture(self, session: str, geometry: Geometry, number: int) -> object:
        lease = self.lease(session, geometry)
        return self.write_and_seal(lease, number) if isinstance(lease, Lease) else lease

    @rule(lease=consumes(leases))
    def decoder_died(self, lease: Lease) -> None:
        if lease in self.leased:
            lease.pool.abandon(lease.slot)
            self.leased.remove(lease)

    @rule(number=st.integers(0, 1))
    def read_all(self, number: int) -> None:
        """Frames of now and of long ago, held by this reader or by another, as redelivered messages would have it."""
        for frame in self.sealed:
            try:
                with self.lane.read(self.readers[number], frame.reference) as picture:
                    assert picture.geometry == frame.geometry
                    assert self.lane.values(picture) == {frame.value}, "foreign pixels"
            except FrameLost:
                assert not self.is_held(frame), "a frame was lost while it was held"

    @rule(number=st.integers(0, 1))
    def begin_to_read(self, number: int) -> None:
        reader = self.readers[number]
        for frame in self.sealed:
            stack = ExitStack()
            with suppress(FrameLost):
                picture = stack.enter_context(self.lane.read(reader, frame.reference))
                self.looking.append(Reading(frame, reader, picture, stack))

    @rule()
    def end_reading(self) -> None:
        for reading in self.looking:
            assert reading.picture is not None
            right = self.lane.values(reading.picture) == {reading.sealed.value}
            reading.picture = None
            try:
                reading.stack.close()
            except FrameLost:
                assert not self.is_held(reading.sealed), "a frame was lost while it was held"
            else:
                assert right, "another generation's pixels, and nobody said so"
        self.looking.clear()

    @rule(frame=frames)
    def release(self, frame: Sealed) -> None:
        if frame.holder in self.readers:  # else it is dead
            frame.holder.release(frame.reference)
            frame.over = True

    @rule()
    def release_again(self) -> None:
        """Messages that were delivered twice."""
        for frame in self.sealed:
            if frame.over and frame.holder in self.readers:
                frame.holder.release(frame.reference)

    @rule(session=st.sampled_from(SESSIONS), confirmed=st.booleans())
    def end_session(self, session: str, confirmed: bool) -> None:
        self.pool.end_session(session, confirmed=confirmed)
        for frame in self.sealed:
            frame.over |= confirmed and frame.session == session and frame.pool is self.pool

    @rule(number=st.integers(0, 1))
    def a_reader_dies_and_another_takes_its_place(self, number: int) -> None:
        """What the kernel does for a dead process: its views and its open file are gone, and with them the lock."""
        dead = self.readers[number]
        self.end(dead)
        for frame in self.sealed:
            frame.over |= frame.holder is dead
        self.readers[number] = self.lane.reader(f"successor of {number}")
        self.readers[number].open()

    @rule()
    @precondition(lambda self: len(self.pools) < 4)
    def the_owner_dies_and_another_takes_its_place(self) -> None:
        self.leased.clear()
        for frame in self.sealed:
            frame.over = True
        self.pools.append(self.lane.own(*CLASSES))

    @rule()
    def sweep(self) -> None:
        self.pool.sweep()
        held = {one.reference.slot for one in self.sealed if self.is_held(one)}
        assert set(self.pool.ledger.held()) == held, "a slot that nobody holds any more did not come back"

    @invariant()
    def slots_are_conserved(self) -> None:
        if not self.pools:
            return
        counts = self.pool.ledger.counts()
        assert sum(counts.values()) == SLOTS
        assert counts[SlotState.LEASED] == len(self.leased)
        held = {one.reference.slot for one in self.sealed if self.is_held(one)}
        assert held <= set(self.pool.ledger.held())
        assert all(self.pool.is_alive(one.row) for one in self.sealed if self.is_held(one)), "taken for dead"

    def is_held(self, frame: Sealed) -> bool:
        return not frame.over and frame.pool is self.pool

    def teardown(self) -> None:
        try:
            if self.pools:
                self.nothing_leaks()
        finally:
            shutil.rmtree(self.folder)

    def end(self, reader: Reader) -> None:
        for reading in [one for one in self.looking if one.reader is reader]:
            self.looking.remove(reading)
            reading.picture = None
            reading.stack = ExitStack()
        row = reader.row
        reader.close()
        if self.pool.is_alive(row):
            gc.collect()  # an exception's traceback still had a view

    def nothing_leaks(self) -> None:
        for lease in self.leased:
            lease.pool.abandon(lease.slot)
        for reader in self.readers:
            self.end(reader)
        self.pool.sweep()
        counts = self.pool.ledger.counts()
        for pool in self.pools:
            pool.close()
        assert counts[SlotState.FREE] == SLOTS, "slots leaked"


def test_no_order_of_events_shows_foreign_pixels_or_loses_a_slot(lane: Lane) -> None:
    machine = type("Machine", (FramePoolMachine,), {"make_lane": type(lane)})
    run = settings(
        max_examples=150, stateful_step_count=40, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=run)
