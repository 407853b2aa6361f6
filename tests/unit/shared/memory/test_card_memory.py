"""Memory that processes pass to each other: what one process sees of it. The suite of the pool has several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.memory.card_memory import CudaMemory
from shared.memory.layout import HANDLE_BYTES
from shared.model.errors import Misconfigured, Unavailable
from tests.cuda.devices import MISSING

if TYPE_CHECKING:
    from tests.cuda.lanes import EmulatedLane

SIZE = 2 << 20


def test_what_is_opened_is_what_was_made(card_lane: EmulatedLane) -> None:
    memory, device = card_lane.memory, card_lane.device
    made = memory.allocate(SIZE)
    opened, again = (memory.open(made.handle, SIZE) for _ in range(2))
    assert len(made.handle) == HANDLE_BYTES
    samples = np.arange(256, dtype=np.uint8)
    device.copy(device.upload(samples), made.array[1000:1256])
    opened.close()
    assert (device.download(again.array[1000:1256]) == samples).all()
    again.close()
    made.close()


def test_events_are_recorded_and_looked_at_by_whoever_has_them(card_lane: EmulatedLane) -> None:
    memory, device = card_lane.memory, card_lane.device
    made = memory.event()
    opened = memory.open_event(made.handle)
    assert made.has_come(), "it was never recorded"
    opened.record(device)
    device.synchronize()
    assert made.has_come()
    assert opened.has_come()
    opened.close()
    made.close()


def test_a_handle_of_nothing_is_refused(card_lane: EmulatedLane) -> None:
    nothing = b"\x01" * HANDLE_BYTES
    with pytest.raises(Unavailable):
        card_lane.memory.open(nothing, SIZE)
    with pytest.raises(Unavailable):
        card_lane.memory.open_event(nothing)


def test_memory_that_is_not_to_be_had_is_said(card_lane: EmulatedLane) -> None:
    with pytest.raises(Misconfigured, match="MiB"):
        card_lane.memory.allocate(1 << 50)


def test_a_card_is_called_the_same_by_everybody_and_in_few_words(card_lane: EmulatedLane) -> None:
    other = type(card_lane)(card_lane.folder)
    assert card_lane.memory.card == other.memory.card
    assert 0 < len(card_lane.memory.card.encode("ascii")) <= 64


@pytest.mark.skipif(not MISSING, reason="there is a card")
def test_without_a_card_the_reason_is_told() -> None:
    with pytest.raises(Misconfigured, match="card 3 cannot be used: "):
        CudaMemory(3)
