"""Streams that lanes fetch, as the gateway keeps them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.problems import Refusal
from services.gateway.streams import desk as stream_desk
from services.gateway.streams.desk import StreamDesk
from services.gateway.streams.run import StreamState
from shared.model.live import LiveEnded
from tests.unit.services.gateway.live_ends import LiveLane

if TYPE_CHECKING:
    from services.gateway.parts import Parts
    from shared.transport.store import ObjectStore

WISH = json.dumps({"source": "rtmp://live.example.org/x", "outputs": [{"hls": {}}], "look": "none"}).encode()


async def ended(parts: Parts) -> str:
    run = await parts.streams.begin(WISH, "")
    await parts.streams.remove(run.name)
    while not run.state.is_final:  # noqa: ASYNC110  -- the lane takes its time
        await asyncio.sleep(0.01)
    return run.name


async def test_a_stream_has_a_place_among_the_live_ones(parts: Parts, live_lane: LiveLane) -> None:
    object.__setattr__(parts.live, "settings", parts.settings.model_copy(update={"max_live": 1}))
    await parts.streams.begin(WISH, "")
    with pytest.raises(Refusal, match="max_live"):
        await parts.streams.begin(WISH, "")
    await parts.streams.close()
    assert parts.live.under_way == 0


async def test_a_stream_that_another_gateway_has_keeps_its_files(
    parts: Parts, live_lane: LiveLane, store: ObjectStore
) -> None:
    run = await parts.streams.begin(WISH, "")
    other, key = StreamDesk(parts.live, store), f"streams/{run.name}"
    await store.put(f"{key}/hls/index.m3u8", b"#EXTM3U")
    while not await store.exists(f"{key}/owner"):  # noqa: ASYNC110  -- it is told by the store
        await asyncio.sleep(0.01)
    with pytest.raises(Refusal, match="another gateway"):
        await other.remove(run.name)
    assert await store.exists(f"{key}/hls/index.m3u8")
    await parts.streams.close()
    await other.remove(run.name)
    assert not await store.exists(f"{key}/hls/index.m3u8")


async def test_what_is_to_be_kept_of_a_stream_that_nobody_knows_any_more_stays(
    parts: Parts, live_lane: LiveLane, store: ObjectStore
) -> None:
    name = "a" * 20
    await store.put(f"streams/{name}/record.mp4", b"of a gateway that is gone")
    assert await parts.streams.remove(name, keep=True) == "kept"
    assert await store.exists(f"streams/{name}/record.mp4")
    with pytest.raises(Refusal, match="no stream of that id"):
        await parts.streams.remove("b" * 20, keep=True)
    assert await parts.streams.remove(name) == "removed"


async def test_those_that_are_over_are_forgotten_the_oldest_first(
    parts: Parts, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_desk, "MOST_KEPT", 2)
    names = [await ended(parts) for _ in range(3)]
    running = await parts.streams.begin(WISH, "")
    assert [run.name for run in parts.streams.all()] == [running.name, names[2]]
    await parts.streams.close()


async def test_whoever_goes_away_before_a_lane_has_it_leaves_nothing(
    parts: Parts, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def never(*_: Any, **__: Any) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return b""

    monkeypatch.setattr(parts.live.bus, "request", never)
    begin = asyncio.create_task(parts.streams.begin(WISH, ""))
    await asked.wait()
    begin.cancel()
    await asyncio.gather(begin, return_exceptions=True)
    while parts.live.under_way:  # noqa: ASYNC110  -- a cancelled task ends by and by
        await asyncio.sleep(0)
    assert not parts.streams.all()


async def test_a_bug_fails_the_stream_and_nothing_else(
    parts: Parts, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("secret")

    monkeypatch.setattr("services.gateway.streams.run.StreamRun._watch", broken)
    run = await parts.streams.begin(WISH, "")
    while not run.state.is_final:  # noqa: ASYNC110  -- what broke is a task of the desk's
        await asyncio.sleep(0)
    assert run.state is StreamState.FAILED
    assert run.problem is not None
    assert (run.problem.code, "secret" in run.problem.detail) == ("internal", False)


async def test_watchers_are_told_that_it_is_still_there_and_let_go(
    parts: Parts, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_desk, "TELL_SECONDS", 0.01)
    run = await parts.streams.begin(WISH, "")
    told = []
    async for one in parts.streams.watch(run.name, 0.02):
        told.append(one)
        if one is None:
            parts.streams.let_go()
    assert told[0] is run
    assert None in told
    assert not run.watchers
    await parts.streams.close()


async def test_what_runs_is_given_up_at_the_end(parts: Parts, live_lane: LiveLane) -> None:
    await parts.streams.begin(WISH, "")
    await parts.streams.close()
    await asyncio.gather(*live_lane.tasks.values())
    assert live_lane.said(LiveEnded) == [LiveEnded(abandoned=True)]
