"""The context of sessions in a bucket of NATS JetStream's key-value store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from shared.transport.context import checked, in_time, lifetime
from shared.transport.nats_errors import down
from shared.transport.topology import CONTEXT

if TYPE_CHECKING:
    from shared.transport.nats_bus import NatsBus

BUCKET = CONTEXT.name.removeprefix("KV_")
_PREFIX = f"$KV.{BUCKET}."
_MARKER_SECONDS = 1
"""So long the server keeps the word that a key was removed."""


class NatsContext:
    """See ContextStore. The bucket is one of the streams that the bus makes."""

    def __init__(self, bus: NatsBus) -> None:
        self._stream = bus.jetstream
        self._bucket = KeyValue(BUCKET, CONTEXT.name, _PREFIX, bus.jetstream, direct=True)

    async def get(self, name: str) -> bytes | None:
        """What was put there last; None if nothing is there, or not any more."""
        [key] = checked(name)
        async with in_time("NATS"):
            with down("NATS does not give a context"):
                try:
                    entry = await self._bucket.get(key)
                except KeyNotFoundError:
                    return None
        return entry.value or None  # a server of 2.11 or later marks with an empty value what has expired

    async def put(self, name: str, body: bytes, seconds: float) -> None:
        """Keep a value instead of the one before, for so long."""
        [key] = checked(name)
        kept_seconds = lifetime(body, seconds)
        async with in_time("NATS"):
            with down("NATS did not take a context"):  # nats-py's KeyValue.put knows of no time to live
                await self._stream.publish(f"{_PREFIX}{key}", body, msg_ttl=kept_seconds)

    async def remove(self, *names: str) -> int:
        """Keep nothing there; at how many names there was something."""
        keys = checked(*names)
        async with in_time("NATS"):
            with down("NATS did not remove a context"):
                return sum(await asyncio.gather(*map(self._removed, keys)))

    async def _removed(self, key: str) -> bool:
        try:
            entry = await self._bucket.get(key)
        except KeyNotFoundError:
            return False  # a mark that there is nothing would be one message more
        await self._bucket.purge(key, msg_ttl=_MARKER_SECONDS)
        return bool(entry.value)
