"""services/ingest/jobs/ends.py, as far as test_segments.py does not show it: the faces of many parts, a full disk."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from services.ingest.decoders.making import DecoderDied
from services.ingest.jobs import ends as job_ends
from services.ingest.jobs.ends import JobEnds
from services.ingest.jobs.source_files import SourceFiles
from shared.model.errors import Late, Rejected, Unavailable
from shared.model.jobs import JobDone, JobRecord, JobState, Part, Want, part_key, plan_key, result_key, source_key
from shared.model.looks import Look
from shared.model.media import MediaKind, Plan, Span
from shared.transport.ledger import JobLedger
from shared.transport.store import ObjectStore
from tests.unit.services.ingest.conftest import VIDEO

if TYPE_CHECKING:
    from pathlib import Path

    from services.ingest.decoders.making import Decoders

PLAN = Plan(
    facts=VIDEO,
    spans=(
        Span(begins=0, start=0, end=8, first=0, warm=0, frames=2),
        Span(begins=4, start=8, end=None, first=1, warm=1, frames=1),
    ),
)
PARTS = tuple(Part(segment=number, attempt=1, owner="a/1", done=True, frames=2 - number) for number in range(2))
RECORD = JobRecord(
    id="j", state=JobState.RUNNING, want=Want.FACES, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0,
    segments=2, parts=PARTS, frames=3, frames_expected=3,
)  # fmt: skip


class Store:
    """A job whose parts are there."""

    def __init__(self, folder: Path) -> None:
        self.store = ObjectStore.open((folder / "objects").as_uri())
        self.ledger = JobLedger(self.store)
        sources = SourceFiles(self.store, folder / "sources")
        self.ends = JobEnds(cast("Decoders", None), self.store, self.ledger, sources)

    async def fill(self) -> None:
        await self.ledger.open_entry(RECORD)
        await self.store.put(source_key("j"), b"an upload")
        for number, frames in enumerate(((0, 1), (1, 2))):
            lines = [
                {"frame": frame, "pts_seconds": frame * 0.004, "faces": [{"track": 1 + number, "box": [0, 0, 9, 9]}]}
                for frame in frames
            ]
            await self.store.put(part_key("j", number), "\n".join(map(json.dumps, lines)).encode())


@pytest.fixture
async def there(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    await made.fill()
    return made


async def test_the_faces_of_many_parts_are_one_list(there: Store, tmp_path: Path) -> None:
    done = await there.ends.done(RECORD, PLAN, tmp_path)
    lines = [json.loads(line) for line in (await there.store.get(result_key("j"))).splitlines()]
    assert [(line["frame"], line["faces"][0]["track"]) for line in lines] == [(0, 1), (1, 1), (2, 1)]
    assert (done.record.state, done.record.result_type) == (JobState.DONE, "application/jsonl")
    assert await there.store.names("jobs/j") == ["jobs/j/job.json", "jobs/j/result"]


async def test_an_upload_that_is_gone_while_the_job_goes_on_is_said(there: Store, tmp_path: Path) -> None:
    await there.store.remove(source_key("j"))
    with pytest.raises(Rejected, match="not in the object store"):
        await there.ends.done(msgspec.structs.replace(RECORD, want=Want.PICTURE), PLAN, tmp_path)


async def test_nothing_of_a_job_that_goes_on_is_removed(there: Store) -> None:
    before = await there.store.names("jobs")
    assert await there.ends.told_again("j") is None
    assert await there.store.names("jobs") == before


async def test_what_somebody_who_was_killed_had_no_time_to_remove_is_removed_by_the_next(there: Store) -> None:
    await there.store.put(result_key("j"), b"a result")
    await there.store.put(plan_key("j"), b"{}")
    await there.ledger.change("j", lambda now: msgspec.structs.replace(now, state=JobState.DONE))
    told = await there.ends.told_again("j")
    assert isinstance(told, JobDone)
    assert await there.store.names("jobs/j") == ["jobs/j/job.json", "jobs/j/result"]


async def test_a_job_that_was_cancelled_at_the_last_moment_is_not_done(there: Store, tmp_path: Path) -> None:
    await there.ledger.cancel("j")
    with pytest.raises(Late, match="cancelled"):
        await there.ends.done(RECORD, PLAN, tmp_path)
    assert await there.ends.told_again("j") is None
    assert not await there.store.exists(result_key("j"))


async def test_a_full_disk_of_work_files_is_not_blamed_on_the_source(
    there: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(_: object) -> None:
        raise DecoderDied("The decoder process ended without an answer.")

    monkeypatch.setattr(there.ends, "_decoders", SimpleNamespace(join=dies))
    record = msgspec.structs.replace(RECORD, want=Want.PICTURE)
    with pytest.raises(DecoderDied):
        await there.ends.done(record, PLAN, tmp_path)
    monkeypatch.setattr(job_ends.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(Unavailable, match="no room for work files"):
        await there.ends.done(record, PLAN, tmp_path)
