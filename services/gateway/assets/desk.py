"""Assets as the gateway sees them: taken in, looked up, removed, and asked for by looks."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from services.gateway.access import ANYBODY
from services.gateway.assets.owners import AssetOwners
from services.gateway.names import new_name
from shared.model.assets import (
    AssetFacts,
    asset_folder,
    asset_key,
    asset_kind,
    facts_key,
    is_asset_id,
    unknown_asset,
    upload_key,
)
from shared.model.errors import Lost, Rejected, Unavailable
from shared.model.parameters import ID_DIGITS
from shared.model.preparing import AssetPrepared, AssetRefused, PrepareAsset
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable

    from services.gateway.access import Caller
    from services.gateway.uploads import Upload
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus
    from shared.transport.store import ObjectStore

_answer = wire.decoder(AssetPrepared | AssetRefused)


class AssetDesk:
    """Takes assets in and says what they are."""

    def __init__(self, bus: Bus, store: ObjectStore, telemetry: Telemetry, deadline_seconds: float) -> None:
        self._bus, self._store, self._telemetry = bus, store, telemetry
        self._deadline_seconds = deadline_seconds
        self._owners = AssetOwners(store)

    async def accept(self, upload: Upload, owner: str = "") -> tuple[AssetFacts, bool]:
        """Store the upload and have it prepared: the asset's facts, and whether it is new. The upload is removed.

        owner: the prefix of the key that has sent it; empty where keys are not asked for.

        Raises Rejected or Refusal for what is wrong with the upload, Unavailable if store, bus or ingest do not answer.
        """
        if asset_kind(await upload.beginning()) is None:
            raise Rejected(
                "unsupported-media",
                "An asset must be JPEG, PNG, WebP, GIF or a .cube text, told by its first bytes.",
            )
        key, digest = upload_key(new_name()), hashlib.sha256()
        async with self._removed_in_the_end(key):
            await self._store.put(key, _hashed(upload.pieces(), digest))
            asset = digest.hexdigest()[:ID_DIGITS]
            try:
                found = await read_facts(self._store, asset), False
            except Lost:
                found = await self._prepared(PrepareAsset(asset=asset, upload=key)), True
            if owner:
                await self._owners.note(asset, owner)
            return found

    async def find(self, asset: str) -> AssetFacts:
        """What an asset is. Raises Rejected `unknown-asset`."""
        try:
            return await read_facts(self._store, asset)
        except Lost as error:
            raise unknown_asset(asset) from error

    async def remove(self, asset: str, caller: Caller = ANYBODY) -> None:
        """Remove an asset from the object store; while other keys have it, too, only that this one has it.

        Raises Rejected `unknown-asset`.
        """
        if not caller.may_remove_for_all:
            if not await self._owners.give_up(asset, caller.owner):
                raise unknown_asset(asset)
            if await self._owners.are_there(asset):
                return
        if not is_asset_id(asset) or not await self._store.remove(asset_folder(asset)):
            raise unknown_asset(asset)

    async def refuse_missing(self, assets: Iterable[str]) -> None:
        """Let a look pass whose assets are all there. Raises Rejected `unknown-asset` with the first that is not."""
        for asset in assets:
            if not await _is_there(self._store, asset):
                raise unknown_asset(asset)

    async def _prepared(self, request: PrepareAsset) -> AssetFacts:
        reply = await self._bus.request(
            request.SUBJECT, wire.encode(request), self._telemetry.headers(), self._deadline_seconds
        )
        answer: AssetPrepared | AssetRefused = wire.decode(reply, _answer)
        if isinstance(answer, AssetPrepared):
            return answer.facts
        if answer.problem.code == "unavailable":
            raise Unavailable(answer.problem.detail)
        raise Rejected(answer.problem.code, answer.problem.detail)

    @asynccontextmanager
    async def _removed_in_the_end(self, key: str) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.shield(self._store.remove(key))


async def read_facts(store: ObjectStore, asset: str) -> AssetFacts:
    """The facts of an asset. Raises Lost if there is none of that id, or not the whole of it."""
    if not await _is_there(store, asset):
        raise Lost(f"There is no asset {asset!r}.")
    return msgspec.json.decode(await store.get(facts_key(asset)), type=AssetFacts)


async def _is_there(store: ObjectStore, asset: str) -> bool:
    """Facts alone are what an upload and a removal at the same time may leave: the next upload mends it."""
    return is_asset_id(asset) and await store.exists(facts_key(asset)) and await store.exists(asset_key(asset))


async def _hashed(pieces: AsyncIterable[bytes], digest: hashlib._Hash) -> AsyncIterator[bytes]:
    async for piece in pieces:
        digest.update(piece)
        yield piece
