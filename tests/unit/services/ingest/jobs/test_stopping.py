"""A job that is cancelled stops at once, in the middle of anything."""

from __future__ import annotations

import asyncio

import pytest

from services.ingest.jobs.stopping import Cancelled, until_cancelled
from shared.model.errors import Unavailable
from shared.model.jobs import JobCancelled, JobEvent, JobProgressed
from shared.testing import MemoryBus
from shared.transport import wire

PROGRESS = JobProgressed(job="j", attempt=1, frames=1, faces=1, timings=())


async def tell(bus: MemoryBus, event: JobEvent) -> None:
    await bus.publish(event.subject, wire.encode(event))


async def test_what_the_work_answers_is_the_answer() -> None:
    bus = MemoryBus()

    async def work() -> str:
        await tell(bus, PROGRESS)
        return "done"

    assert await until_cancelled(bus, "j", work) == "done"


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise Unavailable("The store is away.")

    with pytest.raises(Unavailable, match="away"):
        await until_cancelled(MemoryBus(), "j", work)


async def test_a_cancellation_ends_the_work_and_waits_for_its_end() -> None:
    bus, cleared = MemoryBus(), False

    async def work() -> None:
        nonlocal cleared
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleared = True

    working = asyncio.create_task(until_cancelled(bus, "j", work))
    await asyncio.sleep(0.01)
    await tell(bus, JobCancelled(job="another"))
    await tell(bus, PROGRESS)
    assert not working.done()
    await tell(bus, JobCancelled(job="j"))
    with pytest.raises(Cancelled, match="j was cancelled"):
        await asyncio.wait_for(working, 10)
    assert cleared


async def test_who_gives_up_the_work_ends_it() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    working = asyncio.create_task(until_cancelled(MemoryBus(), "j", work))
    await asyncio.sleep(0.01)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert ended.is_set()
