"""Which streams run, for all gateways to see: a small object beside what a stream makes, while one of them has it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from shared.model.errors import Lost, Unavailable
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.transport.store import ObjectStore

RENEW_SECONDS = 20.0
HELD_SECONDS = 120.0
"""What was not renewed for so long belongs to nobody: its gateway was killed."""


class StreamOwners:
    """Marks in the object store: each says until when its stream is held, seconds since 1970."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @asynccontextmanager
    async def holding(self, stream: str) -> AsyncIterator[None]:
        """While the block runs, every gateway can see that the stream does. A store that is away holds nothing up."""
        renewing = asyncio.create_task(self._renew(stream))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with suppress(Unavailable):  # it ends by itself
                await self._store.remove(_key(stream))

    async def note_key(self, stream: str, key: str) -> None:
        """Keep whose the stream is, by the key's prefix, as long as anything of it. Raises Unavailable."""
        await self._store.put(_owner_key(stream), key.encode())

    async def key_of(self, stream: str) -> str | None:
        """The prefix of the key whose stream it is; None if nobody knows. Raises Unavailable."""
        try:
            return (await self._store.get(_owner_key(stream))).decode()
        except (Lost, UnicodeDecodeError):
            return None

    async def forget_key(self, stream: str) -> None:
        """The stream came to nothing."""
        with suppress(Unavailable):  # an object of some bytes is left
            await self._store.remove(_owner_key(stream))

    async def is_held(self, stream: str) -> bool:
        """Whether a gateway has the stream. Raises Unavailable if the store does not answer."""
        try:
            until = float(await self._store.get(_key(stream)))
        except (Lost, ValueError):
            return False
        return time.time() < until

    async def _renew(self, stream: str) -> None:
        while True:
            try:
                await self._store.put(_key(stream), f"{time.time() + HELD_SECONDS:.0f}".encode())
            except Unavailable as error:
                log.warning("a stream is not marked as running", stream=stream, detail=str(error))
            await asyncio.sleep(RENEW_SECONDS)


def _key(stream: str) -> str:
    return f"streams/{stream}/owner"


def _owner_key(stream: str) -> str:
    return f"streams/{stream}/key"
