"""Prepared assets from the object store, the last ones kept at hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shared.model.assets import PreparedLut, PreparedPicture, asset_key, pack
from shared.model.errors import Rejected
from shared.transport.assets import AssetShelf
from shared.transport.store import ObjectStore

IDS = [f"{number:032x}" for number in range(4)]
PIXELS = 100


class CountingStore(ObjectStore):
    """An object store that remembers what it was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(ObjectStore.open(folder.as_uri())._store)
        self.asked: list[str] = []

    async def get(self, key: str) -> bytes:
        """As the real one."""
        self.asked.append(key)
        return await super().get(key)


def picture(number: int) -> PreparedPicture:
    return PreparedPicture(width=PIXELS, height=1, frames=(bytes([number]) * 4 * PIXELS,), durations_ms=(0,))


@pytest.fixture
async def store(tmp_path: Path) -> CountingStore:
    made = CountingStore(tmp_path)
    for number, asset in enumerate(IDS):
        await made.put(asset_key(asset), pack(picture(number)))
    return made


async def test_every_asset_that_is_named_is_loaded_once(store: CountingStore) -> None:
    shelf = AssetShelf(store)
    found = await shelf.load([IDS[1], IDS[0], IDS[1]])
    assert found == {IDS[1]: picture(1), IDS[0]: picture(0)}
    assert await shelf.load(IDS[:2]) == found
    assert store.asked == [asset_key(IDS[1]), asset_key(IDS[0])]


async def test_sessions_that_begin_together_fetch_an_asset_once(store: CountingStore) -> None:
    shelf = AssetShelf(store)
    await asyncio.gather(*(shelf.load(IDS[:1]) for _ in range(5)))
    assert store.asked == [asset_key(IDS[0])]


async def test_the_least_used_is_fetched_again(store: CountingStore) -> None:
    shelf = AssetShelf(store, most_bytes=2 * 4 * PIXELS)
    for asset in (IDS[0], IDS[1], IDS[0], IDS[2]):  # the last takes the room of IDS[1]
        await shelf.load([asset])
    store.asked.clear()
    await shelf.load([IDS[0], IDS[2]])
    assert store.asked == []
    await shelf.load([IDS[1]])
    assert store.asked == [asset_key(IDS[1])]


async def test_what_is_larger_than_the_room_takes_nobodys_place(store: CountingStore) -> None:
    shelf = AssetShelf(store, most_bytes=4 * PIXELS)
    large = PreparedLut(size=8, body=bytes(12 * 8**3))
    await store.put(asset_key("f" * 32), pack(large))
    await shelf.load(IDS[:1])
    assert await shelf.load(["f" * 32]) == {"f" * 32: large}
    store.asked.clear()
    await shelf.load(IDS[:1])
    assert store.asked == []


@pytest.mark.parametrize("asset", ["f" * 32, "../" + "a" * 29, ""])
async def test_an_asset_that_is_not_there_is_unknown(store: CountingStore, asset: str) -> None:
    with pytest.raises(Rejected, match="There is no") as refused:
        await AssetShelf(store).load([IDS[0], asset])
    assert refused.value.code == "unknown-asset"


@pytest.mark.parametrize("body", [b"", b"no asset", pack(picture(1))[:-1]])
async def test_an_asset_that_is_damaged_in_the_store_is_said_to_be(store: CountingStore, body: bytes) -> None:
    await store.put(asset_key(IDS[0]), body)
    with pytest.raises(Rejected, match="upload the file again") as refused:
        await AssetShelf(store).load(IDS[:1])
    assert refused.value.code == "damaged-media"


async def test_an_object_that_is_larger_than_any_asset_is_not_fetched(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.transport.assets.MOST_PREPARED_BYTES", 10)
    with pytest.raises(Rejected):
        await AssetShelf(store).load(IDS[:1])
    assert store.asked == []


async def test_no_assets_are_no_question(store: CountingStore) -> None:
    assert await AssetShelf(store).load(()) == {}
