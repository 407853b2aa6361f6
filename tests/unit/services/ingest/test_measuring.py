from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.ingest import measuring
from services.ingest.live.room import Room
from services.ingest.measuring import LaneMeasures
from shared.memory.ledger import SlotLedger
from shared.model.obstacles import Obstacle, WhyNot
from shared.model.sessions import CardUse, WorkerReported
from shared.runtime.cards import LaneCard
from shared.runtime.presence import NOT_ALL_THERE
from shared.transport.topology import detect_queue, render_queue
from tests.scrapes import samples, value

if TYPE_CHECKING:
    from shared.runtime.metrics import Metrics

NO_CARD = LaneCard(None, WhyNot(Obstacle.NO_CARD, "There is no NVIDIA card."))


def test_slots_are_told_by_memory_and_state_and_add_up() -> None:
    host, card = SlotLedger([10] * 5), SlotLedger([10])
    leased, published, lost = (host.take(1, session) for session in ("a", "a", "b"))
    assert (leased, published, lost) == (0, 1, 2)
    host.publish(1, holder=3)
    host.publish(2, holder=4)
    host.end_session("b", confirmed=False)
    found = {(one["memory"], one["state"]): count for count, one in measuring.slots({"host": host, "card": card})}
    assert found == {
        ("host", "free"): 2,
        ("host", "in_use"): 2,
        ("host", "quarantined"): 1,
        ("card", "free"): 1,
        ("card", "in_use"): 0,
        ("card", "quarantined"): 0,
    }


@pytest.fixture
def room() -> Room:
    return Room(2)


@pytest.fixture
def measures(metrics: Metrics, room: Room) -> LaneMeasures:
    return LaneMeasures(metrics, SlotLedger([10] * 3), NO_CARD, room)


def test_a_look_shows_what_is_so_then(metrics: Metrics, measures: LaneMeasures, room: Room) -> None:
    measures.look(NO_CARD.reason, "0", None)
    assert value(metrics, "visavis_room_ratio") == pytest.approx(1)
    room.take("a", room.pixels_per_second / 2)
    measures.look(NO_CARD.reason, "0", None)
    assert value(metrics, "visavis_room_ratio") == pytest.approx(0.5)
    assert value(metrics, "visavis_pool_slots", state="free") == 3


@pytest.mark.parametrize(
    ("card", "said", "way", "reason"),
    [
        (LaneCard(None), "", "cuda-ipc", ""),
        (NO_CARD, NO_CARD.reason, "shared-memory", "no-card"),
        (NO_CARD, NOT_ALL_THERE, "shared-memory", "no-card"),
        (LaneCard(None), NOT_ALL_THERE, "shared-memory", "lane-incomplete"),
        (LaneCard(None), "CUDA error 201: it is another card.", "shared-memory", "not-read"),
    ],
)
def test_one_way_of_frames_is_in_use_and_why_is_a_word(
    metrics: Metrics, room: Room, card: LaneCard, said: str, way: str, reason: str
) -> None:
    measures = LaneMeasures(metrics, SlotLedger([10]), card, room)
    for before in (NOT_ALL_THERE, said):
        measures.look(before, "0", None)
    [found] = samples(metrics, "visavis_transport")
    assert (found.value, found.labels["transport"], found.labels["reason"]) == (1, way, reason)


def test_of_a_card_all_is_told_that_it_says(metrics: Metrics, measures: LaneMeasures) -> None:
    measures.look("", "1", CardUse(kernels_percent=61, memory_used_bytes=4096))
    found = [(one.labels["card"], one.value) for one in samples(metrics, "visavis_card_use_ratio")]
    assert found == [("1", pytest.approx(0.61))]
    assert value(metrics, "visavis_card_memory_used_bytes") == 4096
    assert not samples(metrics, "visavis_card_decoder_use_ratio")


def test_the_queues_of_a_lane_are_those_of_its_own_workers() -> None:
    there = (("a", "render", "r1"), ("a", "render", "r2"), ("b", "render", "x"), ("a", "ingest", "i"))
    reports = [WorkerReported(lane=lane, service=name, worker=worker, room=1) for lane, name, worker in there]
    expected = {"detect": [detect_queue("a")], "render": [render_queue("a", "r1"), render_queue("a", "r2")]}
    assert measuring.queues("a", reports) == expected
