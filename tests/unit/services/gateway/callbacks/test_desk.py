"""From the end of a job to its receiver: over the in-memory bus, to a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from structlog.testing import CapturingLogger

from services.gateway.callbacks import desk as desk_module
from services.gateway.callbacks.calling import Caller
from services.gateway.callbacks.desk import CallbackDesk
from services.gateway.callbacks.rules import CallbackRules
from shared.model.callbacks import CALLBACK_TRIES, CallbackDue, CallbackStanding, CallbackState, callback_key
from shared.model.errors import Late, Lost, Postponed, Rejected
from shared.model.jobs import (
    JobCancelled,
    JobDone,
    JobEvent,
    JobFailed,
    JobProgressed,
    JobRecord,
    JobState,
    Problem,
    Want,
)
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.runtime import stage as stage_module
from shared.runtime.stage import Passage
from shared.transport import wire
from shared.transport.ledger import JobLedger
from shared.transport.topology import callback_queue
from tests.web import Web, serving
from visavis.webhooks import verify

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from shared.runtime.telemetry import Telemetry
    from shared.testing import MemoryBus
    from shared.transport.store import ObjectStore

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RULES = CallbackRules.read(SECRET, "127.0.0.0/8", 0.01, 10)
JOB = "a" * 20
SECONDS = 20.0


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


@pytest.fixture
def ledger(store: ObjectStore) -> JobLedger:
    return JobLedger(store)


@pytest.fixture
def make(store: ObjectStore, ledger: JobLedger) -> Callable[[], CallbackDesk]:
    """The desk of one gateway more."""
    return lambda: CallbackDesk(store, ledger, RULES, Caller(RULES))


@pytest.fixture
def desk(make: Callable[[], CallbackDesk]) -> CallbackDesk:
    return make()


@asynccontextmanager
async def running(desk: CallbackDesk, bus: MemoryBus, telemetry: Telemetry) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(desk.run(bus, telemetry))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110  -- nothing announces what is waited for
            await asyncio.sleep(0.01)


def job(url: str, state: JobState = JobState.DONE, **more: Any) -> JobRecord:
    return JobRecord(
        id=JOB, state=state, want=Want.PICTURE, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0,
        callback=url, **more,
    )  # fmt: skip


async def standing_of(store: ObjectStore) -> CallbackStanding:
    return msgspec.json.decode(await store.get(callback_key(JOB)), type=CallbackStanding)


def passage(tries: int = 1, event: JobState = JobState.DONE) -> Passage[CallbackDue]:
    return Passage(CallbackDue(job=JOB, event=event), tries, 0.0, 0.0)


async def publish(bus: MemoryBus, event: JobEvent) -> None:
    await bus.publish(event.subject, wire.encode(event))


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
async def test_every_end_is_told_once_signed_with_the_jobs_document(
    desk: CallbackDesk, bus: MemoryBus, telemetry: Telemetry, ledger: JobLedger, store: ObjectStore, web: Web,
    state: JobState,
) -> None:  # fmt: skip
    record = job(web.url("/hook?token=1"), state, problem=Problem("no-video", "x") if state == "failed" else None)
    await ledger.open_entry(record)
    ends: dict[JobState, JobEvent] = {
        JobState.DONE: JobDone(job=JOB, record=record),
        JobState.FAILED: JobFailed(job=JOB, record=record),
        JobState.CANCELLED: JobCancelled(job=JOB),
    }
    async with running(desk, bus, telemetry):
        await publish(bus, JobProgressed(job=JOB, attempt=1, frames=1, faces=0, timings=()))
        await publish(bus, ends[state])
        await until(lambda: web.posted)
        await until(lambda: not bus.kept("jobs.callback"))
    [(path, headers, body)] = web.posted
    document = verify(SECRET, headers, body)
    assert (path, headers["webhook-id"]) == ("/hook?token=1", f"{JOB}-{state}")
    assert (document["id"], document["state"]) == (JOB, state)
    assert document["callback"]["receiver"] == "http://127.0.0.1"
    assert b"token" not in body
    assert await standing_of(store) == CallbackStanding(state=CallbackState.DELIVERED, tries=1)


async def test_a_receiver_that_fails_first_is_tried_again_and_told_the_same_id(
    desk: CallbackDesk, bus: MemoryBus, telemetry: Telemetry, ledger: JobLedger, store: ObjectStore, web: Web
) -> None:
    web.replies = [(500, {}), (302, {"Location": web.url("/other")}), (503, {"Retry-After": "0"})]
    await ledger.open_entry(record := job(web.url("/hook")))
    async with running(desk, bus, telemetry):
        await publish(bus, JobDone(job=JOB, record=record))
        await until(lambda: len(web.posted) == 4)
        await until(lambda: not bus.kept("jobs.callback"))
    assert {(path, headers["webhook-id"]) for path, headers, _ in web.posted} == {("/hook", f"{JOB}-done")}
    assert await standing_of(store) == CallbackStanding(state=CallbackState.DELIVERED, tries=4)
    assert not bus.kept("dead.>")


async def test_what_a_gateway_that_died_had_under_way_is_told_by_another(
    make: Callable[[], CallbackDesk], bus: MemoryBus, telemetry: Telemetry, ledger: JobLedger, web: Web,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    waits = iter((0.3, SECONDS))  # the other one's own call is not given to a third
    monkeypatch.setattr(desk_module, "callback_queue", lambda: replace(callback_queue(), ack_wait_seconds=next(waits)))
    answering = threading.Event()
    web.reply_when = lambda: answering.wait(SECONDS)
    await ledger.open_entry(record := job(web.url("/hook")))
    try:
        async with running(make(), bus, telemetry) as first:
            await publish(bus, JobDone(job=JOB, record=record))
            await until(lambda: web.posted)
            first.cancel()  # while the receiver thinks: nothing is acknowledged
    finally:
        answering.set()
    assert bus.kept("jobs.callback")
    before = len(web.posted)
    async with running(make(), bus, telemetry):
        await until(lambda: not bus.kept("jobs.callback"))
    assert len(web.posted) > before
    assert {headers["webhook-id"] for _, headers, _ in web.posted} == {f"{JOB}-done"}


async def test_a_job_without_a_callback_is_told_to_nobody(desk: CallbackDesk, ledger: JobLedger) -> None:
    await ledger.open_entry(record := job(""))
    assert await desk.ended(Passage(JobDone(job=JOB, record=record), 1, 0.0, 0.0)) == []
    with pytest.raises(Lost):
        await desk.ended(Passage(JobCancelled(job="b" * 20), 1, 0.0, 0.0))


async def test_without_a_secret_nothing_is_listened_to(
    store: ObjectStore, ledger: JobLedger, bus: MemoryBus, telemetry: Telemetry
) -> None:
    bus.down = True  # it would raise
    await CallbackDesk(store, ledger, CallbackRules(), Caller(CallbackRules())).run(bus, telemetry)


async def test_who_says_gone_is_never_asked_again(
    desk: CallbackDesk, ledger: JobLedger, store: ObjectStore, web: Web
) -> None:
    web.replies = [(410, {})]
    await ledger.open_entry(job(web.url("/hook")))
    with pytest.raises(Late, match="410"):
        await desk.call(passage())
    assert (await standing_of(store)).state is CallbackState.FAILED


async def test_who_asks_for_time_gets_it(desk: CallbackDesk, ledger: JobLedger, web: Web) -> None:
    web.replies = [(429, {"Retry-After": "1000"})]
    await ledger.open_entry(job(web.url("/hook")))
    with pytest.raises(Postponed) as later:
        await desk.call(passage())
    assert 1000 <= later.value.seconds <= 1200


async def test_the_last_try_in_vain_is_a_dead_letter(
    desk: CallbackDesk, ledger: JobLedger, store: ObjectStore, web: Web
) -> None:
    web.replies = [(500, {})] * 2
    await ledger.open_entry(job(web.url("/secret")))
    with pytest.raises(Postponed) as later:
        await desk.call(passage(CALLBACK_TRIES - 1))
    assert (await standing_of(store)).state is CallbackState.PENDING
    with pytest.raises(Rejected, match="HTTP 500") as dead:
        await desk.call(passage(CALLBACK_TRIES))
    assert await standing_of(store) == CallbackStanding(
        state=CallbackState.FAILED, tries=CALLBACK_TRIES, detail="It answered with HTTP 500."
    )
    assert "secret" not in f"{later.value} {dead.value}"


@pytest.mark.parametrize("url", ["http://169.254.169.254/secret", "http://[::1]/secret", "gopher://x/secret"])
async def test_what_may_not_be_called_is_a_dead_letter_at_once(
    desk: CallbackDesk, ledger: JobLedger, store: ObjectStore, bus: MemoryBus, telemetry: Telemetry, url: str
) -> None:
    await ledger.open_entry(record := job(url))
    async with running(desk, bus, telemetry):
        await publish(bus, JobDone(job=JOB, record=record))
        await until(lambda: bus.kept("dead.jobs.callback"))
    [dead] = bus.kept("dead.jobs.callback")
    assert "secret" not in dead.headers["visavis-reason"] + repr(dead.body)
    found = await standing_of(store)
    assert (found.state, "secret" in found.detail) == (CallbackState.FAILED, False)


async def test_what_was_told_is_not_told_again(desk: CallbackDesk, ledger: JobLedger, web: Web) -> None:
    await ledger.open_entry(job(web.url("/hook")))
    assert await desk.call(passage()) == []
    await ledger.cancel(JOB)  # its result is removed afterwards: no second end
    for event in (JobState.DONE, JobState.CANCELLED):
        with pytest.raises(Late):
            await desk.call(passage(event=event))
    assert len(web.posted) == 1


async def test_an_end_that_another_has_overtaken_is_left_to_it(desk: CallbackDesk, ledger: JobLedger, web: Web) -> None:
    await ledger.open_entry(job(web.url("/hook")))
    await ledger.cancel(JOB)
    with pytest.raises(Late, match="cancelled meanwhile"):
        await desk.call(passage())
    assert await desk.call(passage(event=JobState.CANCELLED)) == []
    assert json.loads(web.posted[0][2])["state"] == "cancelled"


async def test_a_ledger_that_does_not_know_yet_is_given_as_long_as_a_receiver(
    desk: CallbackDesk, ledger: JobLedger, web: Web
) -> None:
    await ledger.open_entry(job(web.url("/hook"), JobState.RUNNING))
    with pytest.raises(Postponed) as later:
        await desk.call(passage(9))
    assert later.value.seconds >= RULES.first_pause_seconds * 3**8
    assert not web.posted


async def test_what_is_buried_has_failed(desk: CallbackDesk, store: ObjectStore) -> None:
    await desk.bury(CallbackDue(job=JOB, event=JobState.DONE), "It was tried 14 times.")
    assert (await standing_of(store)).detail == "It was tried 14 times."


async def test_no_address_is_logged(
    desk: CallbackDesk, bus: MemoryBus, telemetry: Telemetry, ledger: JobLedger, web: Web,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    logger = CapturingLogger()
    for module in (desk_module, stage_module):
        monkeypatch.setattr(module, "log", logger)
    web.replies = [(500, {})]
    await ledger.open_entry(record := job(web.url("/secret").replace("http://", "http://me:secret@")))
    async with running(desk, bus, telemetry):
        await publish(bus, JobDone(job=JOB, record=record))
        await until(lambda: len(web.posted) == 2 and not bus.kept("jobs.callback"))
    assert logger.calls
    assert "secret" not in repr(logger.calls)


async def test_an_end_that_is_told_once_more_is_called_for_once(
    desk: CallbackDesk, ledger: JobLedger, store: ObjectStore, web: Web
) -> None:
    await ledger.open_entry(record := job(web.url("/hook")))
    told: Passage[Any] = Passage(JobDone(job=JOB, record=record), 1, 0.0, 0.0)
    assert [due.job for due in await desk.ended(told)] == [JOB]
    tried = CallbackStanding(state=CallbackState.PENDING, tries=1)
    await store.put(callback_key(JOB), msgspec.json.encode(tried))
    assert await desk.ended(told) == []
