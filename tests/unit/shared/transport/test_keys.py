"""The records of API keys in the object store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Lost, Malformed
from shared.model.keys import Quotas, Scope, key_record_key, split_key
from shared.transport.keys import KeyRing
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open((tmp_path / "objects").as_uri())


@pytest.fixture
def ring(store: ObjectStore) -> KeyRing:
    return KeyRing(store)


async def added(ring: KeyRing, name: str = "shop") -> tuple[str, str]:
    found = split_key(await ring.add(name, [Scope.JOBS, Scope.ASSETS, Scope.JOBS], Quotas(sessions=2)))
    assert found is not None
    return found


async def test_a_key_is_kept_without_its_secret(ring: KeyRing, store: ObjectStore) -> None:
    prefix, secret = await added(ring)
    record = await ring.read(prefix)
    assert (record.name, record.scopes, record.quotas.sessions) == ("shop", (Scope.ASSETS, Scope.JOBS), 2)
    assert record.fits(secret)
    assert secret.encode() not in await store.get(key_record_key(prefix))


async def test_all_keys_are_listed_the_oldest_first(ring: KeyRing, store: ObjectStore) -> None:
    assert await ring.all() == []
    prefixes = [(await added(ring, name))[0] for name in ("one", "two", "three")]
    await store.put("keys/readme.txt", b"not a key")
    assert [record.prefix for record in await ring.all()] == prefixes


async def test_a_revoked_key_stays_known_and_revoked(ring: KeyRing) -> None:
    prefix, _ = await added(ring)
    revoked = await ring.revoke(prefix)
    assert revoked.revoked_unix_seconds is not None
    assert await ring.revoke(prefix) == revoked == await ring.read(prefix)


@pytest.mark.parametrize("prefix", ["a" * 12, "../jobs/some"])
async def test_what_is_no_key_is_lost(ring: KeyRing, prefix: str) -> None:
    for asked in (ring.read, ring.revoke):
        with pytest.raises(Lost):
            await asked(prefix)


async def test_a_record_that_somebody_broke_is_malformed(ring: KeyRing, store: ObjectStore) -> None:
    await store.put(key_record_key("a" * 12), b'{"prefix": 1}')
    with pytest.raises(Malformed):
        await ring.read("a" * 12)
