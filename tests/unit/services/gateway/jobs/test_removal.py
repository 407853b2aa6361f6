"""Every place where something of a job is kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from services.gateway.jobs.removal import JobRemoval, Removed
from shared.model.errors import Unavailable
from shared.model.jobs import (
    JobRecord,
    JobState,
    Want,
    cancellation_key,
    context_name,
    folder_of,
    open_key,
    part_key,
    record_key,
    result_key,
    source_key,
)
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.runtime.pasts import Pasts

if TYPE_CHECKING:
    from shared.testing import MemoryBus, MemoryContext
    from shared.transport.store import ObjectStore

JOB, OTHER = "a" * 20, "b" * 20
SUBJECTS = ("jobs.plan.{}", "jobs.segment.{}.1", "jobs.event.{}.0", "jobs.event.{}.job", "dead.jobs.segment.{}.2")


@pytest.fixture
async def removal(bus: MemoryBus, store: ObjectStore, contexts: MemoryContext) -> JobRemoval:
    """Of two jobs there is everything that there can be."""
    for job in (JOB, OTHER):
        keys = record_key, cancellation_key, source_key, result_key
        for key in (*(one(job) for one in keys), part_key(job, 0), part_key(job, 1)):
            await store.put(key, b"x")
        for subject in SUBJECTS:
            await bus.publish(subject.format(job), b"x")
    return JobRemoval(bus, store, Pasts(contexts))


async def keys(store: ObjectStore, job: str) -> set[str]:
    return {one.key async for one in store.listed(folder_of(job))}


async def test_media_goes_and_the_entry_stays(removal: JobRemoval, bus: MemoryBus, store: ObjectStore) -> None:
    assert await removal.media(JOB) == Removed(objects=4, requests=2)
    assert await keys(store, JOB) == {record_key(JOB), cancellation_key(JOB)}
    assert len(bus.kept(f"jobs.event.{JOB}.*")) == 2
    assert await removal.media(JOB) == Removed()


async def test_everything_is_every_place(removal: JobRemoval, bus: MemoryBus, store: ObjectStore) -> None:
    assert await removal.everything(JOB) == Removed(objects=6, requests=2, events=2, dead_letters=1)
    assert (await keys(store, JOB), [one for one in bus.kept(">") if JOB in one.subject]) == (set(), [])
    assert (len(await keys(store, OTHER)), len(bus.kept(">"))) == (6, len(SUBJECTS))


async def test_without_a_bus_the_entry_stays_to_be_removed_again(
    removal: JobRemoval, bus: MemoryBus, store: ObjectStore
) -> None:
    bus.down = True
    with pytest.raises(Unavailable):
        await removal.everything(JOB)
    assert record_key(JOB) in await keys(store, JOB)
    bus.down = False
    assert (await removal.everything(JOB)).events == 2
    assert await keys(store, JOB) == set()


async def test_the_mark_of_an_open_job_goes_too(removal: JobRemoval, store: ObjectStore) -> None:
    await store.create(open_key(JOB), b"")
    await removal.everything(JOB)
    assert await store.names("open") == []


async def test_the_last_change_is_that_of_the_newest_object(removal: JobRemoval) -> None:
    assert time.time() - 60 < await removal.last_change(JOB) < time.time() + 5
    assert await removal.last_change("c" * 20) == 0.0


@pytest.fixture
async def known(removal: JobRemoval, contexts: MemoryContext, store: ObjectStore) -> JobRemoval:
    """Two of the three segments with another behind them have left something, as has one of another job."""
    record = JobRecord(
        id=JOB, state=JobState.RUNNING, want=Want.PICTURE, look=Look(), source_kind=MediaKind.MP4,
        created_unix_seconds=0, segments=4,
    )  # fmt: skip
    await store.put(record_key(JOB), msgspec.json.encode(record))
    for name in (context_name(JOB, 0), context_name(JOB, 2), context_name(OTHER, 0)):
        await contexts.put(name, b"whose faces they were", 60)
    return removal


@pytest.mark.parametrize("what", [JobRemoval.media, JobRemoval.everything])
async def test_what_a_function_knew_of_faces_goes_with_them(
    known: JobRemoval, contexts: MemoryContext, what: Any
) -> None:
    assert (await what(known, JOB)).contexts == 2
    assert list(contexts.kept) == [context_name(OTHER, 0)]


async def test_a_store_of_contexts_that_is_away_keeps_no_job(
    known: JobRemoval, contexts: MemoryContext, store: ObjectStore
) -> None:
    contexts.down = True
    assert (await known.everything(JOB)).contexts == 0
    assert await keys(store, JOB) == set()
