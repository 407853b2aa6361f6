"""A store that is away for a while, and one that stays away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Lost, Unavailable
from shared.transport import patient_store
from shared.transport.patient_store import PatientStore
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the objects; a file stands in its way until it is moved."""
    return tmp_path / "objects"


@pytest.fixture
def store(folder: Path) -> PatientStore:
    return PatientStore.of(ObjectStore.open(folder.as_uri()))


class Outage:
    """Puts a file where the store wants a folder, and takes it away when the store is asked the third time."""

    def __init__(self, folder: Path) -> None:
        self.asked = 0
        self._folder = folder
        self._aside = folder.with_name("aside")
        folder.rename(self._aside)
        folder.write_bytes(b"no folder")

    async def pause(self, _: float) -> None:
        self.asked += 1
        if self.asked == 3:
            self._folder.unlink()
            self._aside.rename(self._folder)


@pytest.fixture
async def outage(store: PatientStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Outage:
    await store.put("there", b"body")
    found = Outage(folder)
    monkeypatch.setattr(patient_store.asyncio, "sleep", found.pause)
    return found


async def test_a_write_waits_for_the_store(store: PatientStore, outage: Outage) -> None:
    await store.put("jobs/a/result", b"result")
    assert await store.get("jobs/a/result") == b"result"
    assert outage.asked == 3


async def test_a_file_is_copied_when_the_store_is_back(store: PatientStore, outage: Outage, tmp_path: Path) -> None:
    await store.download("there", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"body"
    assert outage.asked == 3


async def test_a_store_that_stays_away_is_given_up(
    store: PatientStore, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_store, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(Unavailable):
        await store.put("a", b"x")
    assert outage.asked == 0


async def test_what_is_not_there_is_said_at_once(store: PatientStore) -> None:
    with pytest.raises(Lost):
        await store.get("nothing")


async def test_pieces_that_come_once_are_not_waited_for(store: PatientStore, outage: Outage) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    with pytest.raises(Unavailable):
        await store.put("a", pieces())
    assert outage.asked == 0
