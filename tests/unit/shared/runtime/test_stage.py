from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import FrameLost, Late, Lost, Malformed, Misconfigured, Postponed, Rejected, Unavailable
from shared.model.frames import CapturedFrame, FacesDetected, FrameReference, FramesCaptured
from shared.model.hops import Hop
from shared.model.jobs import Problem
from shared.runtime import stage as module
from shared.runtime.stage import Passage, Stage
from shared.testing import MemoryBus
from shared.transport import wire
from shared.transport.topology import Queue, detect_queue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from shared.runtime.stage import Publishable
    from shared.runtime.telemetry import Telemetry

QUEUE = replace(detect_queue("a"), ack_wait_seconds=0.3, max_deliver=3)
HANDED_BACK = replace(QUEUE, is_handed_back=True, prefetch=False)
FRAMES = tuple(CapturedFrame(FrameReference(1, slot, 1), slot, slot) for slot in range(4))
CAPTURED = FramesCaptured("a", "session", "2", FRAMES, hops=(Hop("ingest", 1.0, 2.0, 4),))
DETECTED = FacesDetected("a", "session", "2", ())
Passed = Passage[FramesCaptured]


class Work:
    """Does as it is told, message by message, and remembers."""

    def __init__(self, *outcomes: BaseException | Sequence[Publishable]) -> None:
        self.outcomes = list(outcomes)
        self.passages: list[Passed] = []

    async def __call__(self, passage: Passed) -> Sequence[Publishable]:
        self.passages.append(passage)
        outcome = self.outcomes.pop(0) if self.outcomes else ()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


async def refusing(_: object) -> Sequence[Publishable]:
    raise Rejected("code", "bad")


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


def clock() -> float:
    return asyncio.get_running_loop().time()


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  -- nothing announces what is waited for
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(stage: Stage[FramesCaptured], concurrency: int = 1) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(stage.run(concurrency))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def publish(bus: MemoryBus, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
    await bus.publish(QUEUE.subject, wire.encode(CAPTURED) if body is None else body, headers)


def stage_of(bus: MemoryBus, telemetry: Telemetry, work: Work, queue: Queue = QUEUE) -> Stage[FramesCaptured]:
    return Stage(bus, telemetry, queue, FramesCaptured, work)


async def test_results_are_published_and_the_message_is_done(bus: MemoryBus, telemetry: Telemetry) -> None:
    async with running(stage_of(bus, telemetry, Work([DETECTED]))):
        await publish(bus)
        await until(lambda: bus.kept("lane.a.render.2") and not bus.kept(QUEUE.subject))


async def test_a_result_about_the_same_frames_carries_the_hops_on(bus: MemoryBus, telemetry: Telemetry) -> None:
    async with running(stage_of(bus, telemetry, Work([DETECTED]))):
        await publish(bus, headers=telemetry.headers())
        await until(lambda: bus.kept("lane.a.render.2"))
    result = wire.decode(bus.kept("lane.a.render.2")[0].body, wire.decoder(FacesDetected))
    assert [(hop.name, hop.frames) for hop in result.hops] == [("ingest", 4), ("detect", 4)]
    assert result.hops[1].waited_ms > 0
    assert result.hops[1].worked_ms > 0


@pytest.mark.parametrize("error", [Late("late"), Lost("lost"), FrameLost("lost")], ids=lambda e: type(e).__name__)
async def test_what_is_late_or_lost_is_acknowledged(bus: MemoryBus, telemetry: Telemetry, error: Exception) -> None:
    work = Work(error)
    async with running(stage_of(bus, telemetry, work)):
        await publish(bus)
        await until(lambda: work.passages and not bus.kept(">"))
    assert len(work.passages) == 1


async def test_what_is_malformed_goes_to_the_dead_at_once(bus: MemoryBus, telemetry: Telemetry) -> None:
    work = Work(Malformed("bad"))
    async with running(stage_of(bus, telemetry, work)):
        await publish(bus)
        await until(lambda: bus.kept("dead.>") and not bus.kept(QUEUE.subject))
    dead = bus.kept("dead.>")[0]
    assert (dead.subject, dead.headers["visavis-reason"]) == ("dead.lane.a.detect", "bad")
    assert dead.body == wire.encode(CAPTURED)
    assert len(work.passages) == 1


async def test_frames_that_are_refused_are_told_to_render(bus: MemoryBus, telemetry: Telemetry) -> None:
    work = Work(Rejected("unknown-model", "No such model."))
    async with running(stage_of(bus, telemetry, work)):
        await publish(bus)
        await until(lambda: bus.kept("lane.a.render.2") and not bus.kept(QUEUE.subject))
    told = wire.decode(bus.kept("lane.a.render.2")[0].body, wire.decoder(FacesDetected))
    assert told.problem == Problem("unknown-model", "No such model.")
    assert tuple(frame.captured for frame in told.frames) == FRAMES
    assert not bus.kept("dead.>")


async def test_a_refused_message_about_no_frames_goes_to_the_dead(bus: MemoryBus, telemetry: Telemetry) -> None:
    stage: Stage[FacesDetected] = Stage(bus, telemetry, QUEUE, FacesDetected, refusing)
    task = asyncio.create_task(stage.run())
    await publish(bus, wire.encode(DETECTED))
    await until(lambda: bus.kept("dead.>") and not bus.kept(QUEUE.subject))
    task.cancel()
    assert bus.kept("dead.>")[0].headers["visavis-reason"] == "bad"


async def test_what_cannot_be_read_goes_to_the_dead_without_any_work(bus: MemoryBus, telemetry: Telemetry) -> None:
    work = Work()
    async with running(stage_of(bus, telemetry, work)):
        await publish(bus, b"\xc1 no MessagePack \xff", {"kept": "yes"})
        await until(lambda: bus.kept("dead.>"))
    assert bus.kept("dead.>")[0].headers["kept"] == "yes"
    assert not work.passages


async def test_the_reason_of_a_death_fits_a_header(bus: MemoryBus, telemetry: Telemetry) -> None:
    async with running(stage_of(bus, telemetry, Work(Malformed("ä\n" * 500)))):
        await publish(bus)
        await until(lambda: bus.kept("dead.>"))
    reason = bus.kept("dead.>")[0].headers["visavis-reason"]
    assert reason.isascii()
    assert reason.isprintable()
    assert len(reason) <= 200


@pytest.mark.parametrize("error", [Unavailable("away"), ZeroDivisionError()], ids=lambda e: type(e).__name__)
async def test_what_is_unavailable_or_a_bug_is_retried(bus: MemoryBus, telemetry: Telemetry, error: Exception) -> None:
    work = Work(error, [DETECTED])
    async with running(stage_of(bus, telemetry, work)):
        await publish(bus)
        await until(lambda: bus.kept("lane.a.render.2") and not bus.kept(QUEUE.subject))
    assert [passage.tries for passage in work.passages] == [1, 2]


async def test_what_is_postponed_comes_when_it_asked_to(bus: MemoryBus, telemetry: Telemetry) -> None:
    work = Work(Postponed("not yet", 3600.0))
    async with running(stage_of(bus, telemetry, work)):
        await publish(bus)
        await until(lambda: bus.kept(QUEUE.subject) and bus.kept(QUEUE.subject)[0].due - clock() > 1800)
    assert len(work.passages) == 1


async def test_what_never_comes_to_its_end_is_buried_and_said_why(bus: MemoryBus, telemetry: Telemetry) -> None:
    work, buried = Work(Unavailable("away"), Unavailable("away")), []

    async def bury(message: FramesCaptured, reason: str) -> Sequence[Publishable]:
        buried.append((message, reason))
        return [DETECTED]

    stage = stage_of(bus, telemetry, work)
    stage.bury = bury
    async with running(stage):
        await publish(bus)
        await until(lambda: bus.kept("dead.>") and not bus.kept(QUEUE.subject))
    assert buried == [(CAPTURED, "It was tried 2 times and never came to its end.")]
    reason = bus.kept("dead.>")[0].headers["visavis-reason"]
    assert reason == "It was tried 2 times and never came to its end. away"
    assert len(work.passages) == 2
    assert wire.decode(bus.kept("lane.a.render.2")[-1].body, wire.decoder(FacesDetected)).problem is None


async def test_frames_that_never_come_to_their_end_are_told_to_render(bus: MemoryBus, telemetry: Telemetry) -> None:
    async with running(stage_of(bus, telemetry, Work(), replace(QUEUE, max_deliver=1))):
        await publish(bus)
        await until(lambda: bus.kept("dead.>") and not bus.kept(QUEUE.subject))
    [told] = bus.kept("lane.a.render.2")
    problem = wire.decode(told.body, wire.decoder(FacesDetected)).problem
    assert problem == Problem("internal", "It was tried 0 times and never came to its end.")


async def test_a_misconfigured_service_ends(bus: MemoryBus, telemetry: Telemetry) -> None:
    async with running(stage_of(bus, telemetry, Work(Misconfigured("no model")))) as task:
        await publish(bus)
        with pytest.raises(ExceptionGroup) as raised:
            await asyncio.wait_for(task, 5)
    assert raised.group_contains(Misconfigured, match="no model")


async def test_long_work_is_not_given_to_another(bus: MemoryBus, telemetry: Telemetry) -> None:
    started = []

    async def work(passage: Passed) -> Sequence[Publishable]:
        started.append(passage.tries)
        await asyncio.sleep(QUEUE.ack_wait_seconds * 3)
        return ()

    stages = [Stage(bus, telemetry, QUEUE, FramesCaptured, work) for _ in range(2)]
    async with running(stages[0]), running(stages[1]):
        await publish(bus)
        await until(lambda: started and not bus.kept(">"))
    assert started == [1]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_as_many_are_worked_on_at_once_as_agreed(bus: MemoryBus, telemetry: Telemetry, concurrency: int) -> None:
    now, most, gate = 0, 0, asyncio.Event()

    async def work(_: Passed) -> Sequence[Publishable]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await gate.wait()
        now -= 1
        return ()

    async with running(Stage(bus, telemetry, QUEUE, FramesCaptured, work), concurrency):
        for _ in range(5):
            await publish(bus)
        await until(lambda: now == concurrency)
        await asyncio.sleep(0.05)
        gate.set()
        await until(lambda: not bus.kept(">"))
    assert most == concurrency


@pytest.mark.parametrize("error", [Late("late"), Malformed("bad"), Unavailable("away"), ValueError("bug"), None])
async def test_a_bus_that_goes_away_in_the_middle_does_not_end_the_service(
    bus: MemoryBus, telemetry: Telemetry, error: Exception | None
) -> None:
    work = Work()

    async def fail_once(passage: Passed) -> Sequence[Publishable]:
        await work(passage)
        if passage.tries == 1:
            bus.down = True
            if error is not None:
                raise error
        return [DETECTED]

    async with running(Stage(bus, telemetry, QUEUE, FramesCaptured, fail_once)) as task:
        await publish(bus)
        await until(lambda: work.passages)
        await asyncio.sleep(0.05)
        assert not task.done()
        bus.down = False
        await until(lambda: not bus.kept(QUEUE.subject))
        assert not task.done()


async def test_a_burial_waits_for_the_bus_because_there_is_no_later_delivery(
    bus: MemoryBus, telemetry: Telemetry
) -> None:
    calls = []

    async def bury(_: FramesCaptured, reason: str) -> Sequence[Publishable]:
        calls.append(reason)
        bus.down = len(calls) == 1
        return ()

    once = replace(QUEUE, max_deliver=1)
    stage = stage_of(bus, telemetry, Work(), once)
    stage.bury = bury
    async with running(stage):
        await publish(bus)
        await until(lambda: calls)
        await asyncio.sleep(0.1)
        assert not bus.kept("dead.>")
        bus.down = False
        await until(lambda: bus.kept("dead.>") and not bus.kept(QUEUE.subject))


async def test_waiting_and_working_are_spans_of_the_senders_trace(
    bus: MemoryBus, telemetry: Telemetry, spans: Callable[[], list[Span]]
) -> None:
    async with running(stage_of(bus, telemetry, Work([DETECTED]))):
        with telemetry.span("gateway"):
            await publish(bus, headers=telemetry.headers())
        await until(lambda: bus.kept("lane.a.render.2"))
    root, wait, work = spans()
    assert [span.name for span in (root, wait, work)] == ["gateway", "detect.wait", "detect"]
    assert {span.trace_id for span in (root, wait, work)} == {root.trace_id}
    assert {wait.parent_span_id, work.parent_span_id} == {root.span_id}
    assert wait.end_time_unix_nano <= work.start_time_unix_nano
    onward = bus.kept("lane.a.render.2")[0].headers["traceparent"]
    assert onward.split("-")[1:3] == [root.trace_id.hex(), work.span_id.hex()]


async def test_a_cancellation_that_nobody_asked_for_costs_a_message_and_not_the_loop(
    bus: MemoryBus, telemetry: Telemetry
) -> None:
    work = Work(asyncio.CancelledError(), [DETECTED])
    async with running(stage_of(bus, telemetry, work)) as task:
        await publish(bus)
        await until(lambda: bus.kept("lane.a.render.2") and not bus.kept(QUEUE.subject))
        assert not task.done()
    assert [passage.tries for passage in work.passages] == [1, 2]
    assert task.cancelled()


async def begun(bus: MemoryBus, telemetry: Telemetry, may_end: asyncio.Event) -> Stage[FramesCaptured]:
    """A stage that works on a message until it may end."""

    async def work(_: Passed) -> Sequence[Publishable]:
        await may_end.wait()
        return [DETECTED]

    return Stage(bus, telemetry, HANDED_BACK, FramesCaptured, work)


async def test_a_stage_that_is_stopped_ends_what_it_has_and_takes_nothing_more(
    bus: MemoryBus, telemetry: Telemetry
) -> None:
    may_end = asyncio.Event()
    stage = await begun(bus, telemetry, may_end)
    await publish(bus)
    async with running(stage, 2) as task:
        await until(lambda: bus.kept(QUEUE.subject)[0].tries == 1)
        stopping = asyncio.create_task(stage.stop())
        await asyncio.sleep(0.05)
        await publish(bus)
        assert not stopping.done()
        may_end.set()
        await stopping
        await task
    assert [one.tries for one in bus.kept(QUEUE.subject)] == [0], "the second one is left to others"
    assert bus.kept(DETECTED.subject)


async def test_what_a_stage_has_when_it_is_cancelled_begins_anew_elsewhere(
    bus: MemoryBus, telemetry: Telemetry
) -> None:
    await publish(bus, headers={"some": "word"})
    async with running(await begun(bus, telemetry, asyncio.Event())):
        await until(lambda: bus.kept(QUEUE.subject)[0].tries == 1)
        [first] = bus.kept(QUEUE.subject)
    [again] = bus.kept(QUEUE.subject)
    assert (again.tries, again.body, again.headers) == (0, first.body, {"some": "word"})
    assert again.number != first.number


async def test_a_bus_that_has_ended_does_not_keep_a_stage_from_ending(
    bus: MemoryBus, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "HAND_BACK_SECONDS", 0.01)
    await publish(bus)
    async with running(await begun(bus, telemetry, asyncio.Event())) as task:
        await until(lambda: bus.kept(QUEUE.subject)[0].tries == 1)
        monkeypatch.setattr(bus, "publish", silent)
    assert task.cancelled()
    assert [one.tries for one in bus.kept(QUEUE.subject)] == [1]


@pytest.mark.parametrize("queue", [QUEUE, replace(QUEUE, is_handed_back=True, prefetch=False, max_deliver=1)])
async def test_other_queues_messages_and_last_tries_are_not_handed_back(
    bus: MemoryBus, telemetry: Telemetry, queue: Queue
) -> None:
    async def work(_: object) -> Sequence[Publishable]:
        return await asyncio.Event().wait() or ()

    stage = Stage(bus, telemetry, queue, FramesCaptured, work)
    stage.bury = work  # type: ignore[assignment]  # takes as long
    await publish(bus)
    async with running(stage):
        await until(lambda: bus.kept(QUEUE.subject)[0].tries == 1)
    assert [one.tries for one in bus.kept(QUEUE.subject)] == [1]


def test_what_a_message_waited_for_others_in_the_service_is_waiting_and_no_work() -> None:
    passage = Passage(CAPTURED, tries=1, waited_ms=2.0, started=time.perf_counter() - 3.0)
    passage.begin()
    hop = passage.hop("detect")
    assert hop.waited_ms >= 3002.0
    assert hop.worked_ms < 3000.0 / len(FRAMES)


async def test_a_hops_span_says_whose_work_it_is_and_what_the_work_noted(
    bus: MemoryBus, telemetry: Telemetry, spans: Callable[[], list[Span]]
) -> None:
    begun: list[int] = []

    async def noting(passage: Passed) -> Sequence[Publishable]:
        await asyncio.sleep(0.05)
        passage.begin()
        begun.append(passage.notes.begun_ns)
        passage.notes.facts["detector"] = "blazeface"
        return [DETECTED]

    async with running(Stage(bus, telemetry, QUEUE, FramesCaptured, noting)):
        with telemetry.span("gateway"):
            await publish(bus, headers=telemetry.headers())
        await until(lambda: bus.kept("lane.a.render.2"))
    _, wait, work = spans()
    facts = {one.key: one.value.string_value or one.value.int_value for one in work.attributes}
    assert facts == {
        "visavis.tries": 1, "visavis.session": "session", "visavis.frames": 4, "visavis.frame": 0,
        "visavis.detector": "blazeface",
    }  # fmt: skip
    assert [wait.end_time_unix_nano, work.start_time_unix_nano] == begun * 2


async def test_frames_that_are_refused_are_a_failure_of_their_trace(
    bus: MemoryBus, telemetry: Telemetry, spans: Callable[[], list[Span]]
) -> None:
    async with running(stage_of(bus, telemetry, Work(Rejected("unknown-model", "No such model.")))):
        await publish(bus, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
        await until(lambda: bus.kept("lane.a.render.2") and not bus.kept(QUEUE.subject))
    assert [span.status.message for span in spans() if span.name == "detect"] == ["unknown-model"]
