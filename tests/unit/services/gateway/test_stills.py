"""The client's side of a still's session."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.problems import Refusal
from services.gateway.stills import StillClient, StillRequest
from shared.model.errors import Rejected, Unavailable
from shared.model.jobs import Problem, Want
from shared.model.looks import Look
from tests.scrapes import samples
from tests.unit.services.gateway.conftest import PATIENT_SECONDS

if TYPE_CHECKING:
    from shared.runtime.telemetry import Telemetry
    from shared.testing import MemoryBus

REQUEST = StillRequest(b"\xff\xd8\xff", Want.PICTURE, Look())


@pytest.fixture
def stills(bus: MemoryBus, telemetry: Telemetry) -> StillClient:
    return StillClient(bus, telemetry, most=2, deadline_seconds=2 * PATIENT_SECONDS)


async def test_the_hops_of_the_lane_and_the_way_back_are_told(stills: StillClient, lane: Any) -> None:
    answer = await stills.ask(REQUEST)
    assert [hop.name for hop in answer.hops] == ["ingest", "detect", "render", "gateway"]
    assert answer.picture == lane.picture


async def test_what_became_of_each_is_counted(
    stills: StillClient, lane: Any, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stills.ask(REQUEST)
    monkeypatch.setattr("services.gateway.stills.OPEN_PATIENCE_SECONDS", 0.05)
    lane.refusals = 10_000
    with pytest.raises(Refusal):
        await stills.ask(REQUEST)
    found = samples(telemetry.metrics, "visavis_frames_total", kind="still")
    said = {(one.labels["outcome"], one.labels["reason"], one.labels["where"]): one.value for one in found}
    assert said == {("delivered", "", ""): 1, ("failed", "unavailable", "gateway"): 1}


async def test_a_refusal_is_tried_again(stills: StillClient, lane: Any) -> None:
    lane.refusals = 3
    assert (await stills.ask(REQUEST)).picture == lane.picture


async def test_a_lane_that_stays_full_is_unavailable(
    stills: StillClient, lane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.stills.OPEN_PATIENCE_SECONDS", 0.05)
    lane.refusals = 10_000
    with pytest.raises(Refusal) as refused:
        await stills.ask(REQUEST)
    assert (refused.value.code, refused.value.headers) == ("unavailable", {"Retry-After": "1"})


async def test_a_lane_that_died_is_followed_by_one_whole_second_try(stills: StillClient, lane: Any) -> None:
    lane.silences = 1
    assert (await stills.ask(REQUEST, within_seconds=4)).picture == lane.picture
    first, second = lane.opened
    assert first.session != second.session
    assert first.deadline_unix_seconds < second.deadline_unix_seconds


async def test_silence_to_the_end_is_a_deadline_exceeded(stills: StillClient, lane: Any) -> None:
    lane.silences = 9
    with pytest.raises(Refusal, match="still_deadline_seconds") as refused:
        await stills.ask(REQUEST, within_seconds=2)
    assert (refused.value.code, len(lane.opened)) == ("deadline-exceeded", 2)


async def test_what_is_wrong_with_the_picture_is_said_and_not_tried_again(stills: StillClient, lane: Any) -> None:
    lane.problem = Problem("too-large", "More pixels than allowed.")
    with pytest.raises(Rejected, match="More pixels") as rejected:
        await stills.ask(REQUEST)
    assert (rejected.value.code, len(lane.opened)) == ("too-large", 1)


async def test_a_lane_that_lost_a_worker_is_followed_by_one_more_try(
    stills: StillClient, lane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.stills.MOST_PAUSE_SECONDS", 0)
    lane.problem = Problem("unavailable", "The render worker died.")
    with pytest.raises(Unavailable, match="render worker"):
        await stills.ask(REQUEST)
    assert len(lane.opened) == 2


async def test_without_anyone_there_it_is_unavailable(stills: StillClient) -> None:
    with pytest.raises(Unavailable):
        await stills.ask(REQUEST)


async def test_only_so_many_are_under_way(stills: StillClient) -> None:
    with stills.room(), stills.room(), pytest.raises(Refusal, match="max_stills"):
        stills.room().__enter__()
    with stills.room():
        pass


async def test_the_answer_of_another_session_is_not_taken(stills: StillClient, lane: Any, bus: MemoryBus) -> None:
    answers = await asyncio.gather(stills.ask(REQUEST), stills.ask(REQUEST))
    assert len({one.session for one in lane.opened}) == len(answers) == 2


async def test_the_deadline_reaches_the_lane(stills: StillClient, lane: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.stills.MOST_PAUSE_SECONDS", 0)
    lane.problem = Problem("unavailable", "The render worker died.")
    begun = time.time()
    with pytest.raises(Unavailable):
        await stills.ask(REQUEST, within_seconds=PATIENT_SECONDS)
    took = time.time() - begun
    first, second = (one.deadline_unix_seconds - begun for one in lane.opened)
    assert PATIENT_SECONDS / 2 - 0.1 <= first <= PATIENT_SECONDS / 2 + took  # there is to be time for another try
    assert PATIENT_SECONDS - 0.1 <= second <= PATIENT_SECONDS + took


async def test_those_who_wait_for_room_are_served_in_order(stills: StillClient, lane: Any) -> None:
    lane.refusals = 5
    bodies = [bytes([0xFF, 0xD8, number]) for number in range(8)]
    await asyncio.gather(*(stills.ask(StillRequest(body, Want.FACES, Look())) for body in bodies))
    assert [one.body for one in lane.opened] == bodies
