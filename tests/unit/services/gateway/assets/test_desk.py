"""Assets as the gateway's other parts see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from services.gateway.assets.desk import read_facts
from shared.model.assets import AssetFacts, AssetKind, asset_key, facts_key
from shared.model.errors import Lost, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.gateway.parts import Parts
    from shared.transport.store import ObjectStore

ASSET = "0123456789abcdef" * 2
FACTS = AssetFacts(id=ASSET, kind=AssetKind.LUT, size=33)


@pytest.fixture
async def stocked(store: ObjectStore) -> ObjectStore:
    await store.put(facts_key(ASSET), msgspec.json.encode(FACTS))
    await store.put(asset_key(ASSET), b"prepared")
    return store


async def test_facts_are_read_by_id(stocked: ObjectStore) -> None:
    assert await read_facts(stocked, ASSET) == FACTS


@pytest.mark.parametrize("asset", ["f" * 32, f"../assets/{ASSET}", ""])
async def test_there_are_no_facts_of_what_is_not_there(stocked: ObjectStore, asset: str) -> None:
    with pytest.raises(Lost):
        await read_facts(stocked, asset)


@pytest.mark.usefixtures("stocked")
async def test_a_look_whose_assets_are_all_there_passes(parts: Parts) -> None:
    await parts.assets.refuse_missing(())
    await parts.assets.refuse_missing((ASSET, ASSET))


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("missing", "words"), [("f" * 32, "no asset " + "f" * 32), ("./hat.png", "32 digits of 0-9 and a-f")]
)
async def test_a_look_with_an_asset_that_is_not_there_is_refused(parts: Parts, missing: str, words: str) -> None:
    with pytest.raises(Rejected, match="upload the file to /v1/assets") as refused:
        await parts.assets.refuse_missing((ASSET, missing))
    assert refused.value.code == "unknown-asset"
    assert words in refused.value.detail


@pytest.mark.parametrize("gone", [facts_key, asset_key])
async def test_half_an_asset_is_none(stocked: ObjectStore, parts: Parts, gone: Callable[[str], str]) -> None:
    await stocked.remove(gone(ASSET))
    with pytest.raises(Lost):
        await read_facts(stocked, ASSET)
    with pytest.raises(Rejected):
        await parts.assets.refuse_missing((ASSET,))
