"""Which streams run, for all gateways to see."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.gateway.streams import owners as stream_owners
from services.gateway.streams.owners import StreamOwners
from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from shared.transport.store import ObjectStore

STREAM = "s" * 20


async def held(owners: StreamOwners, *, is_held: bool = True) -> None:
    while await owners.is_held(STREAM) is not is_held:  # noqa: ASYNC110  -- it is told by the store
        await asyncio.sleep(0.01)


async def test_a_stream_is_held_while_somebody_has_it(store: ObjectStore) -> None:
    here, there = StreamOwners(store), StreamOwners(store)
    assert not await there.is_held(STREAM)
    async with here.holding(STREAM):
        await held(there)
    assert not await there.is_held(STREAM)
    assert await store.remove(f"streams/{STREAM}") == 0


async def test_what_a_killed_gateway_had_is_free_after_a_while(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_owners, "HELD_SECONDS", -1.0)
    owners = StreamOwners(store)
    async with owners.holding(STREAM):
        while not await store.exists(f"streams/{STREAM}/owner"):  # noqa: ASYNC110  -- it is told by the store
            await asyncio.sleep(0.01)
        assert not await owners.is_held(STREAM)


async def test_it_is_said_again_and_again(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_owners, "RENEW_SECONDS", 0.02)
    owners = StreamOwners(store)
    async with owners.holding(STREAM):
        await held(owners)
        await store.remove(f"streams/{STREAM}/owner")
        await held(owners)


async def test_what_is_no_mark_holds_nothing(store: ObjectStore) -> None:
    await store.put(f"streams/{STREAM}/owner", b"somebody")
    assert not await StreamOwners(store).is_held(STREAM)


async def test_a_store_that_is_away_does_not_end_the_stream(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def away(*_: object) -> int:
        asked.set()
        raise Unavailable("The object store is away.")

    monkeypatch.setattr(store, "put", away)
    monkeypatch.setattr(store, "remove", away)
    async with StreamOwners(store).holding(STREAM):
        await asked.wait()


async def test_whose_a_stream_is_stays_known_until_it_is_forgotten(store: ObjectStore) -> None:
    here, there = StreamOwners(store), StreamOwners(store)
    assert await there.key_of(STREAM) is None
    await here.note_key(STREAM, "a" * 12)
    async with here.holding(STREAM):
        await held(there)
    assert await there.key_of(STREAM) == "a" * 12
    await here.forget_key(STREAM)
    assert await there.key_of(STREAM) is None
