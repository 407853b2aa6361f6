"""services/ingest/jobs/source_files.py: an upload is fetched once, and no longer here than somebody reads it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.ingest.jobs import source_files
from services.ingest.jobs.source_files import SourceFiles
from shared.model.errors import Lost
from shared.model.jobs import source_key
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def store(tmp_path: Path) -> ObjectStore:
    made = ObjectStore.open((tmp_path / "objects").as_uri())
    await made.put(source_key("j"), b"an upload")
    return made


@pytest.fixture
def sources(store: ObjectStore, tmp_path: Path) -> SourceFiles:
    return SourceFiles(store, tmp_path / "sources")


def read(path: Path) -> bytes:
    return path.read_bytes()


async def test_who_reads_at_a_time_reads_one_file(
    sources: SourceFiles, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched, download = [], store.download

    async def counted(key: str, target: Path) -> None:
        fetched.append(key)
        await asyncio.sleep(0.01)
        await download(key, target)

    monkeypatch.setattr(store, "download", counted)
    async with sources.of("j") as first, sources.of("j") as second:
        assert first == second
        assert read(first) == b"an upload"
    async with sources.of("j") as third:
        assert third == first
    assert fetched == [source_key("j")]
    sources.close()
    assert not first.exists()


async def test_a_file_that_nobody_reads_goes_after_a_while(
    sources: SourceFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_files, "IDLE_SECONDS", 0.05)
    async with sources.of("j") as path:
        await asyncio.sleep(0.1)
        assert path.exists()
    async with asyncio.timeout(10):
        while path.parent.exists():  # noqa: ASYNC110  -- of a file
            await asyncio.sleep(0.01)
    async with sources.of("j") as again:
        assert read(again) == b"an upload"
    sources.close()


async def test_what_is_not_there_leaves_nothing_and_may_come(sources: SourceFiles, store: ObjectStore) -> None:
    with pytest.raises(Lost):
        async with sources.of("k"):
            pass
    await store.put(source_key("k"), b"later")
    async with sources.of("k") as path:
        assert read(path) == b"later"
    sources.forget("k")
    assert not path.exists()
    sources.close()


async def test_a_file_in_use_is_not_forgotten(sources: SourceFiles) -> None:
    async with sources.of("j") as path:
        sources.forget("j")
        assert read(path) == b"an upload"
    sources.forget("j")
    sources.forget("nobody's")
    assert not path.exists()
