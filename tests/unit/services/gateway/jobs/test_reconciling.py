"""services/gateway/jobs/reconciling.py: what is open in the ledger and not on the bus is asked for again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from services.gateway.jobs.reconciling import Reconciler
from shared.model.jobs import (
    JobCancelled,
    JobDone,
    JobEvent,
    JobFailed,
    JobRecord,
    JobState,
    Want,
    open_key,
    record_key,
)
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry
from shared.transport import wire
from shared.transport.dispatching import Dispatcher
from shared.transport.ledger import JobLedger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.testing import MemoryBus
    from shared.transport.store import ObjectStore

RECORD = JobRecord(
    id="a", state=JobState.ACCEPTED, want=Want.FACES, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
)


@pytest.fixture
def ledger(store: ObjectStore) -> JobLedger:
    return JobLedger(store)


@pytest.fixture
def reconciler(bus: MemoryBus, store: ObjectStore, ledger: JobLedger) -> Iterator[Reconciler]:
    telemetry = Telemetry("gateway", ServiceSettings(), lambda _: None)
    yield Reconciler(bus, ledger, Dispatcher(bus, store), telemetry)
    telemetry.close()


async def test_a_job_whose_message_was_lost_is_asked_for_again_once(
    reconciler: Reconciler, ledger: JobLedger, bus: MemoryBus
) -> None:
    for job in ("a", "b"):
        await ledger.open_entry(msgspec.structs.replace(RECORD, id=job))
    await bus.publish("jobs.plan.b", b"it waits")
    assert await reconciler.reconcile() == 1
    assert [message.subject for message in bus.kept("jobs.plan.*")] == ["jobs.plan.b", "jobs.plan.a"]
    assert await reconciler.reconcile() == 0


@pytest.mark.parametrize(
    ("state", "told"), [(JobState.DONE, JobDone), (JobState.FAILED, JobFailed), (JobState.CANCELLED, JobCancelled)]
)
async def test_the_end_of_a_job_is_told_before_its_mark_goes(
    reconciler: Reconciler, ledger: JobLedger, bus: MemoryBus, state: JobState, told: type
) -> None:
    await ledger.open_entry(msgspec.structs.replace(RECORD, state=state))
    assert await reconciler.reconcile() == 0
    [event] = bus.kept("jobs.event.a.job")
    assert isinstance(wire.decode(event.body, wire.decoder(JobEvent)), told)
    assert await ledger.open_jobs() == []
    await reconciler.reconcile()
    assert len(bus.kept("jobs.event.a.job")) == 1


async def test_one_job_that_cannot_be_read_keeps_no_other_waiting(
    reconciler: Reconciler, ledger: JobLedger, store: ObjectStore, bus: MemoryBus
) -> None:
    for job in ("a", "b"):
        await ledger.open_entry(msgspec.structs.replace(RECORD, id=job))
    await store.put(record_key("a"), b"")
    assert await reconciler.reconcile() == 1
    assert [message.subject for message in bus.kept("jobs.plan.*")] == ["jobs.plan.b"]


async def test_the_mark_of_a_job_that_never_was_goes_the_second_time(
    reconciler: Reconciler, ledger: JobLedger, store: ObjectStore
) -> None:
    await store.create(open_key("z"), b"")
    await reconciler.reconcile()
    assert await ledger.open_jobs() == ["z"]
    await reconciler.reconcile()
    assert await ledger.open_jobs() == []


async def test_it_goes_on_when_the_bus_comes_back(reconciler: Reconciler, ledger: JobLedger, bus: MemoryBus) -> None:
    await ledger.open_entry(RECORD)
    bus.down = True
    running = asyncio.create_task(reconciler.run(0.05))
    try:
        await asyncio.sleep(0.1)
        bus.down = False
        async with asyncio.timeout(10):
            while not bus.kept("jobs.plan.a"):  # noqa: ASYNC110  -- nothing tells
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
