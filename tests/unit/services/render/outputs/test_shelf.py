from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.render.outputs import shelf as shelf_module
from services.render.outputs.playlist import GRACE, Playlist
from services.render.outputs.segments import Init, Segment
from services.render.outputs.shelf import (
    PLAYLIST,
    SEGMENTS_WAITING,
    HlsShelf,
    hls_key,
    part_name,
    recording_keeper,
)
from shared.model.errors import Unavailable
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.render.outputs.conftest import Notices

HEAD = Init("init.mp4", b"head")


def segment(number: int) -> Segment:
    return Segment(f"{number}.m4s", b"%d" % number, 2.0, 0.0, HEAD, discontinuity=False)


class Store(ObjectStore):
    """A real one that can be made to fail, or to hold on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(ObjectStore.open(folder.as_uri())._store)
        self.failures = 0
        self.open = asyncio.Event()
        self.open.set()

    async def put(self, key: str, body: object) -> None:
        await self.open.wait()
        if self.failures:
            self.failures -= 1
            raise Unavailable("The object store is away.")
        await super().put(key, body)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "objects")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects" / hls_key("s")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "PAUSES", (0.0, 0.0))


async def there(path: Path) -> None:
    while not await asyncio.to_thread(path.exists):  # noqa: ASYNC110  -- files tell nobody that they come
        await asyncio.sleep(0.001)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def shelf_of(store: ObjectStore, notices: Notices, window: int = 3) -> HlsShelf:
    return HlsShelf(store, "s", Playlist(2.0, window), notices, asyncio.get_running_loop())


async def test_segments_lie_there_before_the_playlist_names_them(store: Store, folder: Path, notices: Notices) -> None:
    shelf = shelf_of(store, notices)
    for number in range(2):
        shelf.put(segment(number))
    await asyncio.to_thread(shelf.close, over=True)
    text = (folder / PLAYLIST).read_text()
    assert [line for line in text.splitlines() if line[0] != "#"] == ["0.m4s", "1.m4s"]
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert names(folder) == {"init.mp4", "0.m4s", "1.m4s", PLAYLIST}
    assert await store.get(hls_key("s", "init.mp4")) == b"head"
    assert await store.get(hls_key("s", "1.m4s")) == b"1"


async def test_what_left_the_playlist_is_removed_after_a_while(store: Store, folder: Path, notices: Notices) -> None:
    shelf = shelf_of(store, notices)
    for number in range(10):
        shelf.put(segment(number))
        await there(folder / f"{number}.m4s")
    await asyncio.to_thread(shelf.close, over=True)
    left = {f"{number}.m4s" for number in range(10 - 3 - GRACE, 10)}
    assert names(folder) == {*left, "init.mp4", PLAYLIST}


async def test_a_store_that_is_away_for_a_moment_loses_nothing(store: Store, folder: Path, notices: Notices) -> None:
    store.failures = 2
    shelf = shelf_of(store, notices)
    shelf.put(segment(0))
    await asyncio.to_thread(shelf.close, over=True)
    assert (folder / "0.m4s").exists()
    assert notices == []


async def test_a_segment_that_the_store_will_not_take_is_a_gap_in_the_playlist(
    store: Store, folder: Path, notices: Notices
) -> None:
    shelf = shelf_of(store, notices)
    shelf.put(segment(0))
    await there(folder / PLAYLIST)
    store.failures = 3
    for number in (1, 2):
        shelf.put(segment(number))
    await asyncio.to_thread(shelf.close, over=True)
    lines = (folder / PLAYLIST).read_text().splitlines()
    assert lines[lines.index("0.m4s") + 1] == "#EXT-X-DISCONTINUITY"
    assert "1.m4s" not in lines
    assert "2.m4s" in lines
    assert notices.kinds == ["hls-behind"]


async def test_a_store_that_is_too_slow_costs_segments_and_no_memory(
    store: Store, folder: Path, notices: Notices
) -> None:
    shelf = shelf_of(store, notices, window=20)
    store.open.clear()
    for number in range(12):
        shelf.put(segment(number))
    await asyncio.sleep(0.01)
    store.open.set()
    await there(folder / "0.m4s")
    await asyncio.sleep(0.05)
    shelf.put(segment(12))
    await asyncio.to_thread(shelf.close, over=True)
    lines = (folder / PLAYLIST).read_text().splitlines()
    assert 1 < sum(line.endswith(".m4s") for line in lines) <= SEGMENTS_WAITING + 2
    assert lines[lines.index("#EXT-X-DISCONTINUITY") + 3] == "12.m4s"
    assert notices.kinds == ["hls-behind"]


async def test_closing_can_be_given_up(store: Store, notices: Notices) -> None:
    shelf = shelf_of(store, notices)
    store.open.clear()
    shelf.put(segment(0))
    closing = asyncio.create_task(asyncio.to_thread(shelf.close, over=True))
    await asyncio.sleep(0.01)
    shelf.abort()
    with pytest.raises(Unavailable, match="in time"):
        await closing


async def test_only_a_stream_that_is_over_ends_its_playlist(store: Store, folder: Path, notices: Notices) -> None:
    shelf = shelf_of(store, notices)
    shelf.put(segment(0))
    await there(folder / PLAYLIST)
    (folder / PLAYLIST).write_text("of another session")
    await asyncio.to_thread(shelf.close, over=False)
    assert (folder / PLAYLIST).read_text() == "of another session"


async def test_where_the_store_is_slow_the_playlist_is_left_to_who_goes_on_with_the_stream(
    store: Store, folder: Path, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Playlist, "target_seconds", 0.01)
    shelf = shelf_of(store, notices)
    store.open.clear()
    shelf.put(segment(0))
    closing = asyncio.create_task(asyncio.to_thread(shelf.close, over=False))
    await asyncio.sleep(0.05)
    store.open.set()
    await closing
    assert names(folder) == {"init.mp4", "0.m4s"}


async def test_a_playlist_that_was_not_taken_is_brought_in_the_end(
    store: Store, folder: Path, notices: Notices
) -> None:
    shelf, put = shelf_of(store, notices), store.put

    async def refuse(key: str, body: object) -> None:
        if key.endswith(PLAYLIST) and not refused.is_set():
            refused.set()
            store.failures = 3
        await put(key, body)

    refused, store.put = asyncio.Event(), refuse
    shelf.put(segment(0))
    await refused.wait()
    await asyncio.to_thread(shelf.close, over=False)
    text = (folder / PLAYLIST).read_text()
    assert "0.m4s" in text
    assert "ENDLIST" not in text


async def test_a_recording_is_kept_from_another_thread_under_a_name_of_its_own(store: Store, tmp_path: Path) -> None:
    turn = asyncio.Lock()
    for number, body in enumerate((b"one", b"two", b"three"), 1):
        keep = recording_keeper(store, "s", asyncio.get_running_loop(), turn)  # of another session
        (tmp_path / "file").write_bytes(body)
        await asyncio.to_thread(keep, tmp_path / "file")
        assert await store.get(f"streams/s/{part_name(number)}") == body
    assert await store.get("streams/s/record.mp4") == b"one"


async def test_recordings_that_end_at_once_do_not_take_each_others_names(store: Store, tmp_path: Path) -> None:
    turn = asyncio.Lock()
    keep, files = recording_keeper(store, "s", asyncio.get_running_loop(), turn), [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_text(file.name)
    await asyncio.gather(*(asyncio.to_thread(keep, file) for file in files))
    assert {await store.get(f"streams/s/{part_name(number)}") for number in (1, 2)} == {b"a", b"b"}


async def test_a_store_that_is_away_for_a_moment_gets_the_recording_all_the_same(store: Store, tmp_path: Path) -> None:
    turn = asyncio.Lock()
    (tmp_path / "file").write_bytes(b"body")
    keep = recording_keeper(store, "s", asyncio.get_running_loop(), turn)
    store.failures = 2
    await asyncio.to_thread(keep, tmp_path / "file")
    assert await store.get("streams/s/record.mp4") == b"body"
    store.failures = 3
    with pytest.raises(Unavailable):
        await asyncio.to_thread(keep, tmp_path / "file")
