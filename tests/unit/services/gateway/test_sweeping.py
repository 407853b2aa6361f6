"""What has outlived its time goes, and nothing else."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from services.gateway.jobs.removal import JobRemoval
from services.gateway.streams.owners import StreamOwners
from services.gateway.sweeping import Sweeper, Swept
from shared.model.jobs import JobProgressed, JobRecord, JobRequested, JobState, Want, record_key, source_key
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.runtime.pasts import Pasts
from shared.testing import MemoryContext
from shared.transport import wire
from shared.transport.ledger import JobLedger

if TYPE_CHECKING:
    from pathlib import Path

    from shared.testing import MemoryBus
    from shared.transport.store import ObjectStore

OLD, NEW, STREAM = "a" * 20, "b" * 20, "c" * 20
HOUR = 3600.0


class Attic:
    """A store whose objects are made to look old, and who sweeps it."""

    def __init__(self, bus: MemoryBus, store: ObjectStore, folder: Path) -> None:
        self.bus, self.store, self.folder = bus, store, folder
        self.ledger = JobLedger(store)
        self.sweeper = Sweeper(bus, store, self.ledger, JobRemoval(bus, store, Pasts(MemoryContext())))

    async def job(self, name: str, state: JobState, hours: float) -> None:
        record = JobRecord(
            id=name, state=state, want=Want.FACES, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
        )
        await self.store.put(record_key(name), msgspec.json.encode(record))
        await self.store.put(source_key(name), b"a video")
        request = JobRequested(job=name)
        await self.bus.publish(request.subject, wire.encode(request))
        self.age(hours, f"jobs/{name}")

    def age(self, hours: float, under: str) -> None:
        then = time.time() - hours * HOUR
        for path in (self.folder / under).rglob("*"):
            os.utime(path, (then, then))

    async def sweep(self, keep_hours: float = 24) -> Swept:
        return await self.sweeper.sweep(time.time() - keep_hours * HOUR)

    def left(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def attic(bus: MemoryBus, store: ObjectStore, tmp_path: Path) -> Attic:
    return Attic(bus, store, tmp_path / "objects")


@pytest.mark.parametrize("state", list(JobState))
async def test_a_job_goes_with_all_there_is_of_it_when_its_time_is_over(attic: Attic, state: JobState) -> None:
    await attic.job(OLD, state, hours=25)
    await attic.job(NEW, state, hours=23)
    assert await attic.sweep() == Swept(jobs=1)
    assert attic.left() == {record_key(NEW), source_key(NEW)}
    assert [one.subject for one in attic.bus.kept(">")] == [f"jobs.plan.{NEW}"]
    assert await attic.sweep() == Swept()


async def test_who_still_works_on_it_hears_that_it_is_over(attic: Attic) -> None:
    await attic.job(OLD, JobState.ACCEPTED, hours=25)
    async with attic.bus.listen(f"jobs.event.{OLD}.*") as events:
        await attic.sweep()
        assert b"JobCancelled" in (await asyncio.wait_for(anext(events), 10)).body


async def test_a_long_job_that_tells_of_progress_stays(attic: Attic) -> None:
    await attic.job(OLD, JobState.RUNNING, hours=25)
    event = JobProgressed(job=OLD, attempt=1, frames=9, faces=9, timings=())
    await attic.bus.publish(event.subject, wire.encode(event))
    assert await attic.sweep() == Swept()
    assert source_key(OLD) in attic.left()


async def test_a_part_that_was_just_written_keeps_its_job(attic: Attic) -> None:
    await attic.job(OLD, JobState.RUNNING, hours=25)
    await attic.store.put(f"jobs/{OLD}/parts/00000", b"part")
    assert await attic.sweep() == Swept()


@pytest.mark.parametrize("entry", [None, b"what an older version wrote"])
async def test_what_has_no_entry_that_can_be_read_goes_too(attic: Attic, entry: bytes | None) -> None:
    await attic.store.put(source_key(OLD), b"an upload whose gateway was killed")
    if entry is not None:
        await attic.store.put(record_key(OLD), entry)
    attic.age(25, f"jobs/{OLD}")
    assert await attic.sweep() == Swept(jobs=1)
    assert attic.left() == set()


async def test_what_streams_made_goes_when_it_is_old(attic: Attic) -> None:
    for stream in (STREAM, NEW):
        await attic.store.put(f"streams/{stream}/hls/index.m3u8", b"#EXTM3U")
        await attic.store.put(f"streams/{stream}/record.mp4", b"film")
    attic.age(25, f"streams/{STREAM}")
    assert await attic.sweep() == Swept(streams=1)
    assert attic.left() == {f"streams/{NEW}/hls/index.m3u8", f"streams/{NEW}/record.mp4"}


async def test_a_stream_that_runs_keeps_what_it_made(attic: Attic) -> None:
    await attic.store.put(f"streams/{STREAM}/record.mp4", b"film")
    async with StreamOwners(attic.store).holding(STREAM):
        while f"streams/{STREAM}/owner" not in attic.left():  # noqa: ASYNC110  -- the store does not tell
            await asyncio.sleep(0.01)
        attic.age(25, f"streams/{STREAM}")
        assert await attic.sweep() == Swept()


async def test_uploads_that_nobody_finished_go_and_assets_stay(attic: Attic) -> None:
    await attic.store.put(f"asset-uploads/{OLD}", b"picture")
    await attic.store.put("assets/0f34/prepared", b"asset")
    fragment = attic.folder / "jobs" / OLD / "source#7"
    fragment.parent.mkdir(parents=True)
    fragment.write_bytes(b"half a video")
    attic.age(25, "")
    assert await attic.sweep() == Swept(uploads=1, fragments=1)
    assert attic.left() == {"assets/0f34/prepared"}


async def test_what_is_not_named_by_us_is_left_alone(attic: Attic) -> None:
    await attic.store.put("jobs/*/source", b"whose?")
    await attic.store.put("streams/README", b"whose?")
    await attic.job(NEW, JobState.DONE, hours=1)
    attic.age(25, "streams")
    attic.age(25, "jobs/*")
    assert await attic.sweep() == Swept()
    assert len(attic.bus.kept(">")) == 1


async def test_two_who_sweep_at_once_do_each_other_no_harm(attic: Attic) -> None:
    for number in range(20):
        await attic.job(f"{number:020}", JobState.DONE, hours=25)
    swept = await asyncio.gather(attic.sweep(), attic.sweep())
    assert sum(one.jobs for one in swept) >= 20
    assert attic.left() == set()


async def run(attic: Attic, keep_seconds: float, until: Any) -> None:
    sweeping = asyncio.create_task(attic.sweeper.run(keep_seconds, 0.01))
    try:
        async with asyncio.timeout(20):
            while not until():  # noqa: ASYNC110  -- what changes is a folder
                await asyncio.sleep(0.01)
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)


async def test_a_sweep_that_fails_is_made_up_for_by_the_next(attic: Attic, monkeypatch: pytest.MonkeyPatch) -> None:
    await attic.job(OLD, JobState.DONE, hours=25)
    attic.bus.down = True
    asyncio.get_running_loop().call_later(0.1, lambda: setattr(attic.bus, "down", False))
    await run(attic, 24 * HOUR, until=lambda: attic.left() == set())


async def test_where_nothing_expires_nothing_is_swept(attic: Attic) -> None:
    await attic.job(OLD, JobState.DONE, hours=25)
    await attic.sweeper.run(0.0, 0.01)
    assert len(attic.left()) == 2
