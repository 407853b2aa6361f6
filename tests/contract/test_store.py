"""What every object store does, a folder and a bucket that is spoken to in S3's own way."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.model.errors import Lost, Misconfigured, Unavailable
from shared.transport.store import PIECE_BYTES, ObjectStore
from tests.ports import free_ports
from tests.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Of a server that speaks S3."""
    with S3Server(tmp_path_factory.mktemp("s3") / "log", free_ports(1)[0]) as server:
        yield server


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """An empty one."""
    if request.param == "folder":
        return ObjectStore.open((tmp_path / "objects").as_uri())
    server = request.getfixturevalue("bucket")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return ObjectStore.open(f"{server.url}/{uuid4().hex}")


async def pieces(*bodies: bytes) -> AsyncIterator[bytes]:
    for body in bodies:
        yield body


async def read(store: ObjectStore, key: str, start: int, end: int) -> bytes:
    return b"".join([piece async for piece in store.read(key, start, end)])


async def test_what_is_put_is_got(store: ObjectStore) -> None:
    await store.put("jobs/a/source", b"body")
    assert await store.get("jobs/a/source") == b"body"
    assert await store.size("jobs/a/source") == 4


async def test_an_object_may_be_empty(store: ObjectStore) -> None:
    await store.put("a", b"")
    assert await store.get("a") == b""
    assert await read(store, "a", 0, 0) == b""


async def test_the_newest_put_counts(store: ObjectStore) -> None:
    for body in (b"old and longer", b"new"):
        await store.put("a", body)
    assert await store.get("a") == b"new"


async def test_pieces_become_one_object(store: ObjectStore) -> None:
    await store.put("a", pieces(b"one ", bytes(PIECE_BYTES), b" two"))
    assert await store.get("a") == b"one " + bytes(PIECE_BYTES) + b" two"


async def test_a_file_becomes_an_object_and_a_file_again(store: ObjectStore, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(bytes(range(256)) * (PIECE_BYTES // 128))
    await store.put("a", source)
    await store.download("a", target)
    assert target.read_bytes() == source.read_bytes()


async def test_an_upload_that_breaks_off_leaves_nothing(store: ObjectStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(PIECE_BYTES)
        raise ConnectionResetError("the client is gone")

    with pytest.raises(Exception, match="gone"):
        await store.put("a", broken())
    with pytest.raises(Lost):
        await store.size("a")


async def test_only_one_of_many_creates(store: ObjectStore) -> None:
    created = await asyncio.gather(*(store.create("a", b"%d" % number) for number in range(8)))
    assert sum(created) == 1
    assert await store.get("a") == b"%d" % created.index(True)


@pytest.mark.parametrize(("start", "end"), [(0, 1), (5, 5), (PIECE_BYTES - 1, PIECE_BYTES + 1), (3, 2 * PIECE_BYTES)])
async def test_any_range_can_be_read(store: ObjectStore, start: int, end: int) -> None:
    body = bytes(range(256)) * (2 * PIECE_BYTES // 256)
    await store.put("a", body)
    assert await read(store, "a", start, end) == body[start:end]


async def test_what_is_not_there_is_lost(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(Lost, match="no a in"):
        await store.get("a")
    with pytest.raises(Lost):
        await store.size("a")
    with pytest.raises(Lost):
        await read(store, "a", 0, 1)
    with pytest.raises(Lost):
        await store.download("a", tmp_path / "out")


async def test_removing_takes_all_under_a_key_and_nothing_beside_it(store: ObjectStore) -> None:
    for key in ("jobs/a/source", "jobs/a/parts/0", "jobs/a/parts/1", "jobs/ab/source"):
        await store.put(key, b"x")
    assert await store.remove("jobs/a/parts") == 2
    assert await store.remove("jobs/a/source") == 1
    assert await store.remove("jobs/a") == 0
    assert await store.get("jobs/ab/source") == b"x"


async def test_many_who_remove_the_same_leave_nothing_of_it(store: ObjectStore) -> None:
    for number in range(200):
        await store.put(f"jobs/a/parts/{number}", b"x")
    await asyncio.gather(*(store.remove("jobs/a") for _ in range(4)))
    assert [one async for one in store.listed("jobs/a")] == []


async def test_what_lies_under_a_prefix_is_listed_with_size_and_time(store: ObjectStore) -> None:
    began = time.time()
    for key in ("jobs/a/source", "jobs/a/parts/0", "jobs/ab/source"):
        await store.put(key, key.encode())
    found = {one.key: one async for one in store.listed("jobs/a")}
    assert set(found) == {"jobs/a/source", "jobs/a/parts/0"}
    source = found["jobs/a/source"]
    assert source.size_bytes == len(b"jobs/a/source")
    assert began - 5 < source.changed_unix_seconds < time.time() + 5
    assert [one async for one in store.listed("streams")] == []


@pytest.mark.parametrize("url", ["nonsense://somewhere", "no url at all", "s3://[b"])
def test_a_url_that_names_no_store_is_said_in_a_sentence(url: str) -> None:
    with pytest.raises(Misconfigured, match="no object store"):
        ObjectStore.open(url)


@pytest.mark.parametrize("scheme", ["foo", "az"])
def test_a_store_that_is_none_is_said_without_a_password(scheme: str) -> None:
    with pytest.raises(Misconfigured) as told:
        ObjectStore.open(f"{scheme}://me:secret@host")
    assert f"{scheme}://host" in str(told.value)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


async def test_a_folder_may_have_a_space_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "my räum"
    await ObjectStore.open(folder.as_uri()).put("a", b"body")
    assert (folder / "a").read_bytes() == b"body"


async def test_what_a_killed_writer_left_goes_when_it_is_old(tmp_path: Path) -> None:
    store = ObjectStore.open(tmp_path.as_uri())
    await store.put("jobs/a/source", b"body")
    left = tmp_path / "jobs" / "b" / "source#1"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of it")
    hour = time.time() + 3600
    assert await store.tidy(time.time() - 3600) == 0
    assert left.exists()
    assert await store.tidy(hour) == 1
    assert not left.parent.exists()
    assert await store.get("jobs/a/source") == b"body"


async def test_a_folder_that_is_written_to_while_it_is_tidied_keeps_what_comes(tmp_path: Path) -> None:
    store = ObjectStore.open(tmp_path.as_uri())
    for number in range(30):
        await asyncio.gather(store.put(f"jobs/{number}/source", b"x"), store.tidy(time.time() - 3600))
    assert len([one async for one in store.listed("jobs")]) == 30


async def test_a_copy_to_where_nothing_can_be_written_is_unavailable(store: ObjectStore, tmp_path: Path) -> None:
    await store.put("a", b"body")
    with pytest.raises(Unavailable, match="cannot be copied"):
        await store.download("a", tmp_path / "no such folder" / "out")


async def test_an_object_is_replaced_only_as_it_was_read(store: ObjectStore) -> None:
    await store.put("jobs/a/entry", b"one")
    body, tag = await store.get_tagged("jobs/a/entry")
    assert body == b"one"
    assert await store.replace("jobs/a/entry", b"two", tag)
    assert not await store.replace("jobs/a/entry", b"three", tag)
    assert await store.get("jobs/a/entry") == b"two"
    assert not await store.replace("jobs/a/nothing", b"x", tag)


async def test_of_many_who_replace_the_same_one_does(store: ObjectStore) -> None:
    await store.put("a", b"")
    _, tag = await store.get_tagged("a")
    outcomes = await asyncio.gather(*(store.replace("a", b"%d" % number, tag) for number in range(12)))
    assert sum(outcomes) == 1
    assert await store.get("a") == b"%d" % outcomes.index(True)


async def test_names_are_those_under_a_prefix(store: ObjectStore) -> None:
    assert await store.names("open") == []
    for key in ("open/b", "open/a", "opened/c"):
        await store.put(key, b"")
    assert await store.names("open") == ["open/a", "open/b"]


async def test_what_lies_in_a_folder_can_be_listed(store: ObjectStore) -> None:
    for key in ("keys/b.json", "keys/a.json", "keys/more/c.json", "keysmith/d.json"):
        await store.put(key, b"")
    assert await store.names("keys") == ["keys/a.json", "keys/b.json", "keys/more/c.json"]
    assert await store.names("nothing") == []
