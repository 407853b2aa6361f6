"""One stream that a lane fetches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.live import lane as live_lane_module
from services.gateway.problems import Refusal
from services.gateway.streams import run as stream_run
from services.gateway.streams.run import StreamRun, StreamState
from services.gateway.streams.wishes import StreamWish
from shared.model.errors import Rejected
from shared.model.jobs import Problem
from shared.model.live import (
    FramesSkipped,
    HlsOutput,
    LiveBegan,
    LiveEnded,
    LiveFrame,
    LiveNoticed,
    LiveOutput,
    LookRefused,
    LookWanted,
    OutputsWanted,
    Place,
    Reason,
    RecordOutput,
)
from shared.model.looks import Look
from shared.model.offers import ModelChoice
from shared.model.sessions import SessionFailed
from tests.unit.services.gateway.live_ends import FACTS, LiveLane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.gateway.parts import Parts

WISH = StreamWish(
    source="rtmp://live.example.org/app/secret",
    look=Look(),
    models=ModelChoice(),
    outputs=(HlsOutput(),),
    encoding=LiveOutput(),
    max_delay_ms=500,
)


def frame(number: int, look: int = 0) -> LiveFrame:
    return LiveFrame(number=number, pts=number, dts=number, key=True, look=look, body=b"", arrived_ns=0)


async def until(true: Callable[[], Any]) -> None:
    while not true():  # noqa: ASYNC110  -- what changes is of several kinds
        await asyncio.sleep(0.01)


@pytest.fixture
async def run(parts: Parts, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StreamRun]:
    """A stream that runs."""
    monkeypatch.setattr(stream_run, "PAUSE_SECONDS", 0.02)
    found = StreamRun("s" * 20, WISH, parts.live, "0" * 32)
    task = asyncio.create_task(found.run())
    await found.taken.wait()
    await live_lane.say(LiveBegan(facts=FACTS, resumed=False))
    await until(lambda: found.state is StreamState.RUNNING)
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def over(run: StreamRun) -> None:
    await until(lambda: run.state.is_final)


async def test_the_lane_is_asked_for_the_source_and_its_outputs(run: StreamRun, live_lane: LiveLane) -> None:
    [wanted] = live_lane.opened
    assert (wanted.source, wanted.outputs, wanted.context) == (WISH.source, WISH.outputs, run.name)
    assert (wanted.settings.input, wanted.resume) == (None, False)
    assert run.facts == FACTS


async def test_packets_are_counted_by_the_highest_number_told(run: StreamRun, live_lane: LiveLane) -> None:
    await live_lane.say(frame(0))
    await live_lane.say(frame(4))
    await live_lane.say(FramesSkipped(numbers=(1, 2), place=Place.DETECT, reason=Reason.LATE))
    await live_lane.say(FramesSkipped(numbers=(3,), place=Place.INGEST, reason=None))
    await live_lane.say(frame(4))
    await run.end()
    await over(run)
    account = run.account
    assert (account.received, account.delivered, account.failed, account.under_way) == (5, 2, 1, 0)
    assert account.dropped == {(Place.DETECT, Reason.LATE): 2}
    assert run.state is StreamState.ENDED


async def test_a_source_that_ends_ends_the_stream(run: StreamRun, live_lane: LiveLane) -> None:
    live_lane.finishes = True
    await live_lane.say(live_lane_module.LiveFinished())
    await over(run)
    assert run.state is StreamState.ENDED


async def test_what_happens_is_noticed(run: StreamRun, live_lane: LiveLane) -> None:
    woken = asyncio.Event()
    run.watchers.add(woken)
    await live_lane.say(LiveNoticed(kind="source-stalled", detail="Nothing comes from rtmp://live.example.org."))
    await woken.wait()
    assert run.notices[-1].kind == "source-stalled"


async def test_another_look_and_other_outputs_reach_the_lane(run: StreamRun, live_lane: LiveLane) -> None:
    await run.look(Look(smooth=0.5))
    await run.outputs((RecordOutput(),))
    await until(lambda: live_lane.said(OutputsWanted))
    assert live_lane.said(LookWanted) == [LookWanted(look=Look(smooth=0.5), change=1)]
    assert live_lane.said(OutputsWanted) == [OutputsWanted(outputs=(RecordOutput(),))]
    assert (run.wish.look, run.wish.outputs) == (Look(smooth=0.5), (RecordOutput(),))


async def test_a_look_that_the_lane_refuses_gives_way_to_the_one_before(run: StreamRun, live_lane: LiveLane) -> None:
    await run.look(Look(smooth=0.25))
    await live_lane.say(frame(0, look=1))
    await until(lambda: run.account.delivered)
    await run.look(Look(smooth=0.5))
    await live_lane.say(LookRefused(change=2, problem=Problem("unsupported-look", "It cannot.")))
    await until(lambda: run.notices)
    assert run.wish.look == Look(smooth=0.25)
    assert (run.notices[-1].kind, run.notices[-1].detail) == ("look-refused", "It cannot.")


async def test_a_lane_that_is_lost_is_followed_by_another_that_goes_on(run: StreamRun, live_lane: LiveLane) -> None:
    await live_lane.say(frame(1))
    await run.look(Look(smooth=0.5))
    await live_lane.say(SessionFailed(problem=Problem("unavailable", "The render worker died.")))
    await until(lambda: len(live_lane.opened) == 2)
    again = live_lane.opened[-1]
    assert (again.resume, again.context, again.settings.look) == (True, run.name, Look(smooth=0.5))
    await live_lane.say(LiveBegan(facts=FACTS, resumed=True))
    await live_lane.say(frame(0))
    await run.end()
    await over(run)
    assert (run.account.received, run.account.delivered, run.restarts) == (3, 2, 1)
    assert run.account.dropped == {(Place.INGEST, Reason.LOST): 1}
    assert "lane-lost" in [one.kind for one in run.notices]


async def test_a_lane_that_drains_is_left_as_soon_as_another_is_there(
    run: StreamRun, live_lane: LiveLane, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm: set[str] = set()
    monkeypatch.setattr(parts.presence, "warm_lanes", lambda: warm)
    await live_lane.say(LiveNoticed(kind="draining", detail="The lane is being stopped."))
    await until(lambda: run.notices)
    await asyncio.sleep(3 * stream_run.TICK_SECONDS)
    assert len(live_lane.opened) == 1, "nobody else could have it"
    warm.add("test")
    await until(lambda: len(live_lane.opened) == 2)
    assert live_lane.opened[-1].resume
    assert (run.restarts, [one.kind for one in run.notices]) == (1, ["draining"])


async def test_what_is_changed_while_a_lane_is_asked_reaches_it_then(
    run: StreamRun, live_lane: LiveLane, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, may_answer, request = asyncio.Event(), asyncio.Event(), parts.live.bus.request

    async def slow(*arguments: Any) -> Any:
        asked.set()
        await may_answer.wait()
        return await request(*arguments)

    monkeypatch.setattr(parts.live.bus, "request", slow)
    await live_lane.say(SessionFailed(problem=Problem("unavailable", "The lane stops.")))
    await asked.wait()
    await run.look(Look(smooth=0.25))
    await run.look(Look(smooth=0.5))
    await run.outputs((RecordOutput(),))
    may_answer.set()
    await until(lambda: live_lane.said(OutputsWanted))
    assert live_lane.opened[-1].settings.look == Look()
    assert live_lane.said(LookWanted) == [LookWanted(look=Look(smooth=0.5), change=2)]
    assert live_lane.said(OutputsWanted) == [OutputsWanted(outputs=(RecordOutput(),))]


async def test_a_lane_that_is_asked_anew_is_told_nothing_twice(run: StreamRun, live_lane: LiveLane) -> None:
    await live_lane.say(SessionFailed(problem=Problem("unavailable", "The lane stops.")))
    await until(lambda: len(live_lane.opened) == 2)
    await run.end()
    await over(run)
    assert live_lane.said(LookWanted) == live_lane.said(OutputsWanted) == []


async def test_it_is_not_tried_for_ever(run: StreamRun, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_run, "MOST_TRIES", 3)
    live_lane.refused = True
    await live_lane.say(SessionFailed(problem=Problem("unavailable", "The lane stops.")))
    await over(run)
    assert run.state is StreamState.FAILED
    assert run.problem is not None
    assert run.problem.code == "no-room"


async def test_a_source_that_is_at_fault_fails_the_stream(run: StreamRun, live_lane: LiveLane) -> None:
    await live_lane.say(SessionFailed(problem=Problem("source-refused", "It leads to a private network.")))
    await over(run)
    assert (run.state, run.problem) == (StreamState.FAILED, Problem("source-refused", "It leads to a private network."))


async def test_whoever_ends_it_while_a_lane_is_sought_need_not_wait(run: StreamRun, live_lane: LiveLane) -> None:
    live_lane.refused = True
    await live_lane.say(SessionFailed(problem=Problem("unavailable", "The lane stops.")))
    await until(lambda: run.state is StreamState.WAITING)
    await run.end()
    await over(run)
    assert (run.state, run.problem) == (StreamState.ENDED, None)


async def test_one_that_is_ended_while_a_lane_is_sought_is_not_fetched_again(
    run: StreamRun, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_run, "PAUSE_SECONDS", 60.0)
    await live_lane.say(SessionFailed(problem=Problem("unavailable", "The lane stops.")))
    await until(lambda: run.state is StreamState.WAITING)
    await run.end()
    await over(run)
    assert run.state is StreamState.ENDED
    assert len(live_lane.opened) == 1


async def test_a_lane_that_does_not_end_it_is_given_up(
    run: StreamRun, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_run, "END_SECONDS", 0.05)
    live_lane.finishes = False
    await run.end()
    await over(run)
    await until(lambda: LiveEnded(abandoned=True) in live_lane.heard)


async def test_a_stream_that_is_over_cannot_be_changed(run: StreamRun, live_lane: LiveLane) -> None:
    await run.end()
    for change in (run.look(Look()), run.outputs(())):
        with pytest.raises(Refusal) as refused:
            await change
        assert refused.value.code == "gone"


async def test_a_gateway_that_stops_ends_its_streams_well(run: StreamRun, live_lane: LiveLane, parts: Parts) -> None:
    parts.live.drain()
    await over(run)
    assert run.state is StreamState.ENDED
    assert live_lane.said(LiveEnded) == [LiveEnded()]


async def test_what_no_lane_ever_took_is_said_to_whoever_asked(parts: Parts, live_lane: LiveLane) -> None:
    live_lane.refused = True
    with pytest.raises(Refusal) as refused:
        await StreamRun("s" * 20, WISH, parts.live, "").run()
    assert refused.value.code == "no-room"


async def test_a_lane_may_refuse_before_the_first_frame(parts: Parts, live_lane: LiveLane) -> None:
    run = StreamRun("s" * 20, WISH, parts.live, "")
    task = asyncio.create_task(run.run())
    await run.taken.wait()
    await live_lane.say(SessionFailed(problem=Problem("no-video", "Only sound.")))
    await task
    assert run.state is StreamState.FAILED
    assert not isinstance(task.exception(), Rejected)
