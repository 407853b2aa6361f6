"""The records of API keys in the object store: one a key, made once, changed only to revoke it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import Lost, Malformed
from shared.model.keys import (
    FOLDER,
    KeyRecord,
    Quotas,
    Scope,
    digest_of,
    is_prefix,
    key_record_key,
    key_text,
    new_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.transport.store import ObjectStore


class KeyRing:
    """All keys of one object store. Every method raises Unavailable if the store does not answer."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def add(
        self, name: str, scopes: Iterable[Scope], quotas: Quotas, expires_unix_seconds: float | None = None
    ) -> str:
        """Make a key and keep its record; the key, which nobody can be told a second time."""
        while True:
            prefix, secret = new_key()
            record = KeyRecord(
                prefix=prefix,
                name=name,
                digest=digest_of(secret),
                scopes=tuple(sorted(set(scopes))),
                quotas=quotas,
                created_unix_seconds=time.time(),
                expires_unix_seconds=expires_unix_seconds,
            )
            if await self._store.create(key_record_key(prefix), msgspec.json.encode(record)):
                return key_text(prefix, secret)

    async def read(self, prefix: str) -> KeyRecord:
        """The record of a key. Raises Lost if there is none, Malformed if it is none of ours."""
        if not is_prefix(prefix):
            raise Lost("There is no key of that prefix.")
        try:
            body = await self._store.get(key_record_key(prefix))
        except Lost as error:
            raise Lost("There is no key of that prefix.") from error
        try:
            return msgspec.json.decode(body, type=KeyRecord)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Malformed(f"The record of the key {prefix} cannot be read: {error}.") from error

    async def all(self) -> list[KeyRecord]:
        """Every key, the oldest first. Raises Malformed as `read`."""
        names = [key.rpartition("/")[2].removesuffix(".json") for key in await self._store.names(FOLDER)]
        records = [await self.read(prefix) for prefix in names if is_prefix(prefix)]
        return sorted(records, key=lambda record: record.created_unix_seconds)

    async def revoke(self, prefix: str) -> KeyRecord:
        """Nobody may use the key any more; revoking it again changes nothing. Raises as `read`."""
        record = await self.read(prefix)
        if record.revoked_unix_seconds is None:
            record = msgspec.structs.replace(record, revoked_unix_seconds=time.time())
            await self._store.put(key_record_key(prefix), msgspec.json.encode(record))
        return record
