from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.model.errors import Late, Lost, Unavailable
from shared.model.jobs import JobRecord, JobState, Part, Want
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.transport.ledger import JobLedger
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path

RECORD = JobRecord(
    id="job", state=JobState.ACCEPTED, want=Want.PICTURE, look=Look(smooth=0.5), source_kind=MediaKind.MP4,
    created_unix_seconds=1.5,
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> JobLedger:
    return JobLedger(ObjectStore.open(tmp_path.as_uri()))


async def test_an_entry_is_opened_once(ledger: JobLedger) -> None:
    assert await ledger.open_entry(RECORD)
    assert not await ledger.open_entry(msgspec.structs.replace(RECORD, state=JobState.DONE))
    assert await ledger.read("job") == RECORD


async def test_changes_of_many_at_a_time_are_all_kept(ledger: JobLedger) -> None:
    await ledger.open_entry(msgspec.structs.replace(RECORD, segments=20))

    async def finish(segment: int) -> None:
        part = Part(segment=segment, attempt=1, owner="a/1", done=True, frames=3)
        await ledger.change("job", lambda record: record.with_part(part))

    await asyncio.gather(*(finish(segment) for segment in range(20)))
    record = await ledger.read("job")
    assert (record.frames, record.segments_done, record.is_whole) == (60, 20, True)


async def test_a_job_that_has_come_to_its_end_changes_no_more(ledger: JobLedger) -> None:
    await ledger.open_entry(RECORD)
    done = await ledger.change("job", lambda record: msgspec.structs.replace(record, state=JobState.DONE))
    with pytest.raises(Late, match="done already"):
        await ledger.change("job", lambda record: msgspec.structs.replace(record, state=JobState.FAILED))
    assert await ledger.read("job") == done


async def test_a_cancelled_job_stays_cancelled_whatever_comes_later(ledger: JobLedger) -> None:
    await ledger.open_entry(msgspec.structs.replace(RECORD, result_bytes=7))
    assert await ledger.cancel("job")
    assert not await ledger.cancel("job")
    with pytest.raises(Late, match="cancelled already"):
        await ledger.change("job", lambda record: msgspec.structs.replace(record, state=JobState.DONE))
    assert await ledger.read("job") == msgspec.structs.replace(RECORD, state=JobState.CANCELLED, result_bytes=0)


async def test_a_job_is_marked_until_its_end_was_told(ledger: JobLedger) -> None:
    for job in ("a", "b", "c"):
        await ledger.open_entry(msgspec.structs.replace(RECORD, id=job))
    await ledger.cancel("a")
    await ledger.change("b", lambda record: msgspec.structs.replace(record, state=JobState.FAILED))
    assert await ledger.open_jobs() == ["a", "b", "c"]
    await ledger.close_entry("b")
    assert await ledger.open_jobs() == ["a", "c"]
    await ledger.mark("b")
    assert await ledger.open_jobs() == ["a", "b", "c"]


async def test_who_is_never_quick_enough_gives_up(ledger: JobLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    async def too_late(*_: object) -> bool:
        return False

    await ledger.open_entry(RECORD)
    monkeypatch.setattr(ledger._store, "replace", too_late)
    monkeypatch.setattr("shared.transport.ledger._PAUSE_SECONDS", 0.0)
    with pytest.raises(Unavailable, match="all the time"):
        await ledger.change("job", lambda record: msgspec.structs.replace(record, frames=1))


async def test_a_job_without_an_entry_is_lost(ledger: JobLedger) -> None:
    with pytest.raises(Lost, match="job"):
        await ledger.read("job")
    with pytest.raises(Late, match="no job"):
        await ledger.change("job", lambda record: record)
