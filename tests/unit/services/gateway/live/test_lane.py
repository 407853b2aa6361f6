"""Which lane takes a live session, and what is heard of it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from services.gateway.live import lane as module
from services.gateway.live.lane import by_room, opened
from services.gateway.problems import Refusal
from shared.model.live import LiveEnded, LiveInput, LiveSettings, OpenLive, open_subject
from shared.model.looks import Look
from tests.unit.services.gateway.conftest import warm_up
from tests.unit.services.gateway.live_ends import LiveLane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from shared.testing import MemoryBus
    from shared.transport.bus import Received

WANTED = OpenLive(
    session="",
    settings=LiveSettings(input=LiveInput(codec="h264", width=64, height=48), look=Look()),
    context="c",  # type: ignore[arg-type]
)


@pytest.fixture
async def lanes(bus: MemoryBus, parts: Parts) -> AsyncIterator[dict[str, LiveLane]]:
    """Three of them, with more and more room."""
    found = {name: LiveLane(bus, name) for name in ("small", "middle", "large")}
    async with AsyncExitStack() as stack:
        for room, (name, lane) in enumerate(found.items()):
            warm_up(parts, name, room * 1e6)
            await stack.enter_async_context(bus.answer(open_subject(name), "ingest", lane.open))
        yield found
    for lane in found.values():
        await lane.close()


async def took(parts: Parts, but: str = "") -> str:
    desk = parts.live
    async with opened(desk.bus, desk.telemetry, parts.presence, WANTED, but=but) as link:
        return link.lane


async def test_the_lane_with_the_most_room_is_asked_first(parts: Parts, lanes: dict[str, LiveLane]) -> None:
    assert by_room(parts.presence) == ["large", "middle", "small"]
    assert await took(parts) == "large"


async def test_one_that_has_no_room_is_followed_by_the_next(parts: Parts, lanes: dict[str, LiveLane]) -> None:
    lanes["large"].refused = True
    assert await took(parts) == "middle"


async def test_a_lane_that_just_failed_is_asked_last(parts: Parts, lanes: dict[str, LiveLane]) -> None:
    assert await took(parts, but="large") == "middle"


async def test_a_lane_that_does_not_answer_is_told_to_forget_it(
    parts: Parts, bus: MemoryBus, lanes: dict[str, LiveLane], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OPEN_SECONDS", 1.0)
    warm_up(parts, "slow", 9e9)
    said: list[str] = []

    async def never(received: Received) -> bytes:
        said.append("asked")
        return await module.asyncio.Event().wait() or b""

    async with bus.answer(open_subject("slow"), "ingest", never), bus.listen("live.*.in") as heard:
        assert await took(parts) == "large"
        assert b"LiveEnded" in (await anext(heard)).body
    assert said == ["asked"]


async def test_where_none_has_room_it_is_said_when_to_come_back(parts: Parts, lanes: dict[str, LiveLane]) -> None:
    for lane in lanes.values():
        lane.refused = True
    with pytest.raises(Refusal) as refused:
        await took(parts)
    assert (refused.value.code, refused.value.headers) == ("no-room", {"Retry-After": "3"})
    assert "; 3 were asked. Come back in 3 s: a smaller picture or fewer frames" in refused.value.detail


async def test_of_a_single_lane_it_is_said_in_the_singular(parts: Parts, bus: MemoryBus) -> None:
    lane = LiveLane(bus, "only")
    lane.refused = True
    warm_up(parts, "only")
    async with bus.answer(open_subject("only"), "ingest", lane.open):
        with pytest.raises(Refusal, match="; 1 was asked"):
            await took(parts)
    await lane.close()


async def test_without_a_warm_lane_nobody_is_asked(parts: Parts) -> None:
    with pytest.raises(Refusal) as refused:
        await took(parts)
    assert refused.value.code == "unavailable"


async def test_every_try_has_a_session_of_its_own_and_the_callers_trace(
    parts: Parts, lanes: dict[str, LiveLane]
) -> None:
    with parts.telemetry.span("call", {}):
        await took(parts)
        await took(parts)
    first, second = lanes["large"].opened
    assert first.session != second.session
    assert "traceparent" in lanes["large"].headers


async def test_whoever_leaves_before_the_end_says_so(parts: Parts, bus: MemoryBus, lanes: dict[str, LiveLane]) -> None:
    await took(parts)
    await module.asyncio.gather(*lanes["large"].tasks.values())
    assert lanes["large"].heard == [LiveEnded(abandoned=True)]
    assert not bus._listeners
