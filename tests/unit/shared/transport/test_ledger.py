from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.model.errors import Lost
from shared.model.jobs import JobRecord, JobState, Want
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


async def test_an_entry_is_replaced_as_a_whole(ledger: JobLedger) -> None:
    await ledger.open_entry(RECORD)
    done = msgspec.structs.replace(RECORD, state=JobState.DONE, frames=9)
    await ledger.write(done)
    assert await ledger.read("job") == done


async def test_a_cancelled_job_stays_cancelled_whatever_is_written_later(ledger: JobLedger) -> None:
    await ledger.open_entry(RECORD)
    assert await ledger.cancel("job")
    assert not await ledger.cancel("job")
    await ledger.write(msgspec.structs.replace(RECORD, state=JobState.DONE, result_bytes=7))
    assert await ledger.read("job") == msgspec.structs.replace(RECORD, state=JobState.CANCELLED, result_bytes=0)


async def test_a_job_without_an_entry_is_lost(ledger: JobLedger) -> None:
    with pytest.raises(Lost, match="job"):
        await ledger.read("job")
