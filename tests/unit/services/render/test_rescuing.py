"""Recordings of a process that was killed, in the folder of the next one."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from typing import TYPE_CHECKING, Any

import av
import av.error
import pytest

from services.render.outputs.record import Recorder
from services.render.outputs.shelf import mark_key, part_name, recording_keeper
from services.render.rescuing import cleared, recording_folder, rescue
from shared.model.errors import Unavailable
from shared.model.live import LiveOutput
from shared.transport.store import ObjectStore
from tests.unit.services.render.live import encoded, facts

if TYPE_CHECKING:
    from pathlib import Path


def own(_: str) -> asyncio.Lock:
    """A turn that nobody else waits for."""
    return asyncio.Lock()


FRAMES, KEYS = 40, range(0, 40, 10)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open((tmp_path / "objects").as_uri())


def left_by_one_that_was_killed(work: Path, session: str = "s1", frames: int = FRAMES) -> Path:
    """Its folder of recordings, as the disk has it in the middle of the work."""
    folder = recording_folder(work, "stream", session)
    recorder = Recorder(folder, 60, lambda _: None, print)
    encoder, packets = encoded(facts(), LiveOutput(), [number * 3600 for number in range(frames)], keys=KEYS)
    recorder.begin(encoder.track)
    for packet in packets:
        recorder.write(packet)
    shutil.copytree(folder, work.parent / "copy", dirs_exist_ok=True)
    recorder.close()
    shutil.copytree(work.parent / "copy", folder)
    shutil.rmtree(work.parent / "copy")
    return folder


async def test_what_was_recorded_up_to_a_key_frame_is_stored_as_a_part(tmp_path: Path, store: ObjectStore) -> None:
    folder = left_by_one_that_was_killed(tmp_path / "work")
    await store.put(mark_key("stream"), b"")
    await store.put("streams/stream/record.mp4", b"of another session")
    (tmp_path / "work" / "s1").mkdir()
    (tmp_path / "work" / "s1" / "part.mkv").touch()
    (tmp_path / "work" / "loose").touch()
    left = cleared(tmp_path / "work")
    assert left == [folder]
    assert list((tmp_path / "work").iterdir()) == [folder]
    await rescue(left, store, own)
    assert list((tmp_path / "work").iterdir()) == []
    (tmp_path / "got.mp4").write_bytes(await store.get("streams/stream/record-2.mp4"))
    with av.open(str(tmp_path / "got.mp4")) as file:
        shown = sum(1 for _ in file.decode(video=0))
    assert FRAMES - 10 <= shown <= FRAMES


async def test_of_a_stream_that_was_removed_nothing_comes_back(tmp_path: Path, store: ObjectStore) -> None:
    left_by_one_that_was_killed(tmp_path / "work")
    await rescue(cleared(tmp_path / "work"), store, own)
    assert [one async for one in store.listed("streams")] == []
    assert list((tmp_path / "work").iterdir()) == []


async def test_nor_of_one_that_is_removed_meanwhile(
    tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_by_one_that_was_killed(tmp_path / "work")
    await store.put(mark_key("stream"), b"")
    put = ObjectStore.put

    async def put_late(self: ObjectStore, key: str, body: Any) -> None:
        await self.remove("streams/stream")
        await put(self, key, body)

    monkeypatch.setattr(ObjectStore, "put", put_late)
    await rescue(cleared(tmp_path / "work"), store, own)
    assert [one async for one in store.listed("streams")] == []


async def test_that_a_stream_has_ended_meanwhile_removes_nothing(tmp_path: Path, store: ObjectStore) -> None:
    """Without keys and other outputs nothing but the mark is left of it then."""
    left_by_one_that_was_killed(tmp_path / "work")
    await store.put(mark_key("stream"), b"")
    await rescue(cleared(tmp_path / "work"), store, own)
    assert await store.exists("streams/stream/record.mp4")


async def test_a_file_that_cannot_be_read_now_stays(
    tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = left_by_one_that_was_killed(tmp_path / "work")
    await store.put(mark_key("stream"), b"")

    def full(*_: Any, **__: Any) -> None:
        raise av.error.OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(av, "open", full)
        await rescue([folder], store, own)
    assert len(list(folder.iterdir())) == 1
    await rescue([folder], store, own)
    assert not folder.exists()


async def test_what_was_stored_is_not_stored_again_where_the_store_is_away_then(
    tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = left_by_one_that_was_killed(tmp_path / "work")
    await store.put(mark_key("stream"), b"")
    put, listed = ObjectStore.put, ObjectStore.listed

    async def put_last(self: ObjectStore, key: str, body: Any) -> None:
        await put(self, key, body)
        monkeypatch.setattr(ObjectStore, "listed", away)

    def away(*_: Any) -> Any:
        raise Unavailable("It is away.")

    monkeypatch.setattr(ObjectStore, "put", put_last)
    await rescue([folder], store, own)
    monkeypatch.setattr(ObjectStore, "listed", listed)
    assert not folder.exists()
    assert await store.exists("streams/stream/record.mp4")


async def test_a_recording_that_ends_meanwhile_has_a_name_of_its_own(tmp_path: Path, store: ObjectStore) -> None:
    folder, turn = left_by_one_that_was_killed(tmp_path / "work"), asyncio.Lock()
    await store.put(mark_key("stream"), b"")
    (tmp_path / "other.mp4").write_bytes(b"of another session")
    keep = recording_keeper(store, "stream", asyncio.get_running_loop(), turn)
    await asyncio.gather(rescue([folder], store, lambda _: turn), asyncio.to_thread(keep, tmp_path / "other.mp4"))
    assert {await store.exists(f"streams/stream/{part_name(number)}") for number in (1, 2)} == {True}


async def test_a_file_that_is_damaged_keeps_no_other_from_being_stored(tmp_path: Path, store: ObjectStore) -> None:
    folder = left_by_one_that_was_killed(tmp_path / "work")
    (good,) = folder.iterdir()
    body = good.read_bytes()
    assert b"VideoHandler" in body
    (folder / "0.mp4").write_bytes(body.replace(b"VideoHandler", b"Vid\xff\xfeHandler"[:12]))
    os.utime(folder / "0.mp4", (1, 1))
    await store.put(mark_key("stream"), b"")
    await rescue([folder], store, own)
    assert not folder.exists()
    assert await store.exists("streams/stream/record.mp4")


async def test_a_file_without_a_key_frame_is_none(tmp_path: Path, store: ObjectStore) -> None:
    folder = recording_folder(tmp_path / "work", "stream", "s1")
    folder.mkdir(parents=True)
    (folder / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    await store.put(mark_key("stream"), b"")
    await rescue(cleared(tmp_path / "work"), store, own)
    assert [one.key async for one in store.listed("streams")] == [mark_key("stream")]
    assert list((tmp_path / "work").iterdir()) == []


async def test_what_the_store_does_not_take_stays_for_the_next_process(
    tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = left_by_one_that_was_killed(tmp_path / "work")
    await store.put(mark_key("stream"), b"")

    async def away(*_: Any) -> None:
        raise Unavailable("It is away.")

    monkeypatch.setattr("services.render.outputs.shelf.PAUSES", ())
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "put", away)
        await rescue(cleared(tmp_path / "work"), store, own)
    assert cleared(tmp_path / "work") == [folder]
    await rescue([folder], store, own)
    assert await store.exists("streams/stream/record.mp4")
