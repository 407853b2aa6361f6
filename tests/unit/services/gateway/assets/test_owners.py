"""Whose an asset is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from services.gateway.assets.owners import AssetOwners
from services.gateway.rest import app
from shared.model.assets import AssetFacts, AssetKind, asset_key, facts_key
from shared.model.errors import Rejected
from shared.model.keys import Quotas, Scope

if TYPE_CHECKING:
    from services.gateway.access import Caller
    from services.gateway.parts import Parts
    from shared.transport.keys import KeyRing
    from shared.transport.store import ObjectStore

ASSET = "0123456789abcdef" * 2
ANN, BOB = "a" * 12, "b" * 12


@pytest.fixture
async def stocked(store: ObjectStore) -> ObjectStore:
    facts = AssetFacts(id=ASSET, kind=AssetKind.LUT, size=33)
    await store.put(facts_key(ASSET), msgspec.json.encode(facts))
    await store.put(asset_key(ASSET), b"prepared")
    return store


async def caller(parts: Parts, ring: KeyRing, *scopes: Scope) -> Caller:
    key = await ring.add("somebody", scopes, Quotas())
    return await parts.access.admit(f"Bearer {key}", None)


async def test_an_asset_is_somebodys_until_the_last_gives_it_up(store: ObjectStore) -> None:
    owners = AssetOwners(store)
    assert not await owners.are_there(ASSET)
    for key in (ANN, BOB, ANN):
        await owners.note(ASSET, key)
    assert await owners.give_up(ASSET, ANN)
    assert not await owners.give_up(ASSET, ANN)
    assert await owners.are_there(ASSET)
    assert await owners.give_up(ASSET, BOB)
    assert not await owners.are_there(ASSET)
    assert not await owners.give_up("../jobs", ANN)


async def test_what_several_keys_have_sent_goes_with_the_last(
    asking: Parts, ring: KeyRing, stocked: ObjectStore
) -> None:
    ann, bob, other = [await caller(asking, ring, Scope.ASSETS) for _ in range(3)]
    for owner in (ann.owner, bob.owner):
        await AssetOwners(stocked).note(ASSET, owner)
    with pytest.raises(Rejected, match="no asset"):
        await asking.assets.remove(ASSET, other)
    await asking.assets.remove(ASSET, ann)
    assert (await asking.assets.find(ASSET)).id == ASSET
    await asking.assets.remove(ASSET, bob)
    assert await stocked.names("assets") == []


async def test_an_operator_removes_for_all(asking: Parts, ring: KeyRing, stocked: ObjectStore) -> None:
    await AssetOwners(stocked).note(ASSET, ANN)
    await asking.assets.remove(ASSET, await caller(asking, ring, Scope.OPERATIONS))
    assert await stocked.names("assets") == []


async def test_whoever_sends_a_file_has_it(asking: Parts, ring: KeyRing, store: ObjectStore) -> None:
    lut = b"LUT_3D_SIZE 2\n" + b"0 0 0\n" * 8
    asset = hashlib.sha256(lut).hexdigest()[:32]
    await store.put(facts_key(asset), msgspec.json.encode(AssetFacts(id=asset, kind=AssetKind.LUT, size=2)))
    await store.put(asset_key(asset), b"prepared")
    key = await ring.add("somebody", [Scope.ASSETS], Quotas())
    transport, headers = httpx.ASGITransport(app.build(asking)), {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        assert (await client.delete(f"/v1/assets/{asset}")).status_code == 404
        assert (await client.post("/v1/assets", content=lut)).status_code == 200
        assert (await client.delete(f"/v1/assets/{asset}")).status_code == 204
    assert await store.names("assets") == []
