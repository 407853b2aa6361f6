"""Who is let in with a live stream, and who must leave."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.gateway.live import desk as live_desk
from services.gateway.problems import Refusal

if TYPE_CHECKING:
    from services.gateway.parts import Parts


def test_places_are_given_back(parts: Parts) -> None:
    with parts.live.room(), parts.live.room():
        assert parts.live.under_way == 2
    assert parts.live.under_way == 0


async def test_who_goes_on_with_a_stream_waits_until_the_other_has_left(parts: Parts) -> None:
    told: list[str] = []
    inside, leave = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with parts.live.owning("past", lambda _: leave.set()):
            inside.set()
            await leave.wait()
            told.append("left")

    leaving = asyncio.create_task(first())
    await inside.wait()
    async with parts.live.owning("past", lambda _: told.append("never")), parts.live.owning("other", print):
        assert told == ["left"]
    async with parts.live.owning("past", lambda _: None):
        assert told == ["left"]
    await leaving


async def test_one_that_does_not_leave_is_not_waited_for_for_ever(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_desk, "LEAVE_SECONDS", 0.01)
    told: list[str] = []
    async with parts.live.owning("past", lambda _: told.append("first")):
        async with parts.live.owning("past", lambda _: told.append("second")):
            assert told == ["first"]
        async with parts.live.owning("past", lambda _: told.append("third")):
            assert told == ["first"]


async def test_when_it_stops_nobody_comes_in_and_who_is_there_is_waited_for(parts: Parts) -> None:
    with parts.live.room():
        waiting = asyncio.create_task(parts.live.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
        with pytest.raises(Refusal, match="stopped"), parts.live.room():
            pass
    await waiting


async def test_whoever_does_not_leave_is_not_waited_for_for_ever(parts: Parts) -> None:
    object.__setattr__(parts.live, "settings", parts.settings.model_copy(update={"stop_seconds": 0.1}))
    with parts.live.room():
        await parts.live.drained()
