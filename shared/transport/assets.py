"""The assets that looks refer to, from the object store, with the last ones kept at hand."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from shared.model.assets import MOST_PREPARED_BYTES, asset_key, is_asset_id, unknown_asset, unpack
from shared.model.errors import Lost, Malformed, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.assets import Prepared
    from shared.transport.store import ObjectStore

MOST_KEPT_BYTES = 256 << 20
MOST_TOGETHER_BYTES = 128 << 20
"""Of the assets of one look, as each session keeps them while it lasts."""


class AssetShelf:
    """Prepared assets by id. What is under an id never changes, so that what is kept is never stale."""

    def __init__(self, store: ObjectStore, most_bytes: int = MOST_KEPT_BYTES) -> None:
        """most_bytes: so much is kept, the last used; larger assets are fetched each time."""
        self._store, self._most_bytes = store, most_bytes
        self._kept: OrderedDict[str, Prepared] = OrderedDict()
        self._kept_bytes = 0
        self._fetching = asyncio.Lock()
        """Sessions that begin together with the same look fetch its assets once."""

    async def load(self, ids: Iterable[str]) -> dict[str, Prepared]:
        """Every asset that is named.

        Raises Rejected (`unknown-asset`, `damaged-media` for one that cannot be read, `too-demanding` for those that
        take more than MOST_TOGETHER_BYTES), Unavailable if the store does not answer.
        """
        wanted = tuple(dict.fromkeys(ids))
        if not wanted:
            return {}
        async with self._fetching:
            loaded = {asset: await self._one(asset) for asset in wanted}
        if (size := sum(prepared.size_bytes for prepared in loaded.values())) > MOST_TOGETHER_BYTES:
            detail = f"The assets of this look take {size >> 20} MiB together; {MOST_TOGETHER_BYTES >> 20} are allowed."
            raise Rejected("too-demanding", detail)
        return loaded

    async def _one(self, asset: str) -> Prepared:
        kept = self._kept.get(asset)
        if kept is not None:
            self._kept.move_to_end(asset)
            return kept
        prepared = await self._fetch(asset)
        self._keep(asset, prepared)
        return prepared

    async def _fetch(self, asset: str) -> Prepared:
        if not is_asset_id(asset):
            raise unknown_asset(asset)
        try:
            return await asyncio.to_thread(unpack, await self._body(asset_key(asset)))
        except Lost as error:
            raise unknown_asset(asset) from error
        except Malformed as error:
            detail = f"The asset {asset} cannot be read any more: remove it and upload the file again."
            raise Rejected("damaged-media", detail) from error

    async def _body(self, key: str) -> bytes:
        """The object; its size is asked for first, so that no more memory is taken than an asset needs."""
        size = await self._store.size(key)
        if size > MOST_PREPARED_BYTES:
            raise Malformed(f"{size} bytes are no prepared asset: those have {MOST_PREPARED_BYTES} at most.")
        return await self._store.get(key)

    def _keep(self, asset: str, prepared: Prepared) -> None:
        if prepared.size_bytes > self._most_bytes:
            return
        self._kept[asset] = prepared
        self._kept_bytes += prepared.size_bytes
        while self._kept_bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.size_bytes
