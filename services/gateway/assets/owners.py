"""Whose an asset is: several keys may have sent the same file, which is kept once, until the last removes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.assets import asset_folder, is_asset_id

if TYPE_CHECKING:
    from shared.transport.store import ObjectStore


class AssetOwners:
    """A small object beside an asset for each key that has sent it. Every method raises Unavailable."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def note(self, asset: str, key: str) -> None:
        """A key, named by its prefix, has sent the asset."""
        await self._store.put(f"{_folder(asset)}/{key}", b"")

    async def give_up(self, asset: str, key: str) -> bool:
        """A key does not want the asset any more; False if it never had it."""
        return is_asset_id(asset) and bool(await self._store.remove(f"{_folder(asset)}/{key}"))

    async def are_there(self, asset: str) -> bool:
        """Whether a key has the asset."""
        return bool(await self._store.names(_folder(asset)))


def _folder(asset: str) -> str:
    return f"{asset_folder(asset)}/keys"
