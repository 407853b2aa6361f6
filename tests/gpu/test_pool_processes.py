"""The frame pool on a real card, between processes: what they hand over, and what a killed one leaves."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.children import Child, child
from tests.cuda.devices import MISSING
from tests.cuda.lanes import CardLane
from tests.gpu.processes import CLASSES, SLOTS, Decoder, Owner, Reader, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(300)]
FRAMES = 40
DEATHS = int(os.environ.get("GPU_DEATHS", "3"))
"""Of each kind of process. A start costs seconds."""
MARGIN_BYTES = 64 << 20
"""So much of the card's memory may be missing in the end: what processes that live keep for their next copies. A slab
that nobody gives back is three times that, a CUDA context more; one per cent of a large card would hide both."""
SETTLE_SECONDS = 20.0
"""So long the driver may take to give back what a killed process had."""


@pytest.fixture
def lane(tmp_path: Path) -> CardLane:
    return CardLane(tmp_path)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def started(stack: ExitStack, kind: type[Owner | Reader | Decoder], lane: CardLane) -> Child:
    """A process that is ready."""
    one = stack.enter_context(child(serve, kind, lane))
    one.hear()
    return one


def free_bytes() -> int:
    import cupy  # noqa: PLC0415  -- where there is a card

    return int(cupy.cuda.runtime.memGetInfo()[0])


def comes_back(least: int) -> bool:
    """Whether so much of the card's memory is free, soon."""
    end = time.monotonic() + SETTLE_SECONDS
    while free_bytes() < least:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_frames_of_full_hd_are_handed_over_bit_by_bit(lane: CardLane, stack: ExitStack) -> None:
    owner, reader = started(stack, Owner, lane), started(stack, Reader, lane)
    row = reader.ask("open")
    for number in range(FRAMES):
        reference = owner.ask("write", number, row)
        assert reader.ask("check", reference, number) == "right"
        reader.ask("release", reference)
    assert owner.ask("sweep") == 0


def test_frames_of_a_decoder_are_handed_over_bit_by_bit(lane: CardLane, stack: ExitStack) -> None:
    owner, reader = started(stack, Owner, lane), started(stack, Reader, lane)
    decoder, row = started(stack, Decoder, lane), reader.ask("open")
    for number in range(FRAMES):
        slot = owner.ask("grant")
        assert decoder.ask("write", slot, number) is None
        reference = owner.ask("seal", slot, row)
        assert reader.ask("check", reference, number) == "right"
        reader.ask("release", reference)
    assert owner.ask("sweep") == 0


def test_a_stopped_reader_keeps_its_frame_and_sees_no_other(lane: CardLane, stack: ExitStack) -> None:
    owner, reader = started(stack, Owner, lane), started(stack, Reader, lane)
    row = reader.ask("open")
    held = owner.ask("write", 1, row)
    assert reader.ask("look", held, 1) == "looking"
    reader.signal(signal.SIGSTOP)
    others = [owner.ask("write", number, row) for number in range(2, 2 + SLOTS)]
    assert others[-1] is None
    assert held.slot not in {one.slot for one in others if one is not None}
    reader.signal(signal.SIGCONT)
    assert reader.ask("go on") == "right"


def test_killed_readers_give_back_their_slots_and_the_cards_memory(lane: CardLane, stack: ExitStack) -> None:
    owner = started(stack, Owner, lane)
    before = free_bytes()
    for number in range(DEATHS):
        with child(serve, Reader, lane) as reader:
            reader.hear()
            row = reader.ask("open")
            references = [owner.ask("write", number, row) for _ in range(3)]
            assert owner.ask("sweep") == 3
            assert reader.ask("spin", references[0], number) == "spinning"
            reader.kill()
        assert owner.ask("sweep") == 0
        assert comes_back(before - MARGIN_BYTES)


def test_a_killed_decoder_leaves_the_pool_as_it_was_and_is_followed_by_another(
    lane: CardLane, stack: ExitStack
) -> None:
    owner, reader = started(stack, Owner, lane), started(stack, Reader, lane)
    row, before = reader.ask("open"), free_bytes()
    held = owner.ask("write", 99, row)
    for number in range(DEATHS):
        slot = owner.ask("grant")
        with child(serve, Decoder, lane) as decoder:
            decoder.hear()
            assert decoder.ask("spin", slot, number) == "spinning"
            decoder.kill()
        owner.ask("abandon", slot)
        assert reader.ask("check", held, 99) == "right"
        reference = owner.ask("write", number, row)
        assert reader.ask("check", reference, number) == "right"
        reader.ask("release", reference)
        assert comes_back(before - MARGIN_BYTES)


def test_killed_owners_give_back_the_cards_memory_once_readers_have_seen_it(lane: CardLane, stack: ExitStack) -> None:
    reader = started(stack, Reader, lane)
    before = free_bytes()
    slab = CLASSES[0].count * CLASSES[0].size_bytes
    for number in range(DEATHS):
        with child(serve, Owner, lane) as owner:
            epoch = owner.hear()
            assert reader.ask("tend") == ""
            row = reader.ask("open")
            reference = owner.ask("write", number, row)
            assert reference.epoch == epoch
            assert reader.ask("check", reference, number) == "right"
            assert free_bytes() < before - slab
            assert owner.ask("spin") == "spinning"
            owner.kill()
        assert "has ended" in reader.ask("tend")
        assert comes_back(before - MARGIN_BYTES)


def test_an_owner_that_ends_frees_the_slab_when_its_readers_let_go(lane: CardLane, stack: ExitStack) -> None:
    owner, reader = started(stack, Owner, lane), started(stack, Reader, lane)
    assert reader.ask("tend") == ""
    owner.pipe.send(("end",))
    deadline = time.monotonic() + SETTLE_SECONDS
    while lane.path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "no frame pool" in reader.ask("tend")
    assert owner.hear() == 0
