"""The context of sessions in Redis, or what speaks its protocol: the one door to redis."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared.model.errors import Misconfigured, Unavailable
from shared.transport.context import ANSWER_SECONDS, checked, in_time, lifetime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PREFIX = "visavis:context:"
"""Of every key."""
MOST_CONNECTIONS = 8
"""Of one process; who finds none free waits for one."""
_DATABASE = re.compile(r"(/\d*)?")


class RedisContext:
    """See ContextStore."""

    def __init__(self, client: Redis, place: str) -> None:
        """place: the server for sentences, without any password."""
        self._client = client
        self.place = place

    @classmethod
    def open(cls, url: str) -> Self:
        """`redis://[user:password@]host[:port][/db]`, `rediss://` for TLS; connects when it is first asked.

        Raises Misconfigured, without the URL, which may have a password.
        """
        try:
            place = _place(url)
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=MOST_CONNECTIONS,
                timeout=ANSWER_SECONDS,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 1),  # once more: a connection that lay idle may be gone
            )
            pool.connection_class(**pool.connection_kwargs)  # finds what is wrong behind the ?, and does not connect
        except (ValueError, TypeError, RedisError):
            sentence = "VISAVIS_CONTEXT must be redis://host:port/db, or rediss:// for TLS; a password stands before @."
            raise Misconfigured(sentence) from None
        return cls(Redis(connection_pool=pool), place)

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose(close_connection_pool=True)

    async def ping(self) -> None:
        """Ask whether it is there. Raises Unavailable."""
        async with self._asked():
            await self._client.ping()

    async def get(self, name: str) -> bytes | None:
        """What was put there last; None if nothing is there, or not any more."""
        [key] = checked(name)
        async with self._asked():
            found = await self._client.get(PREFIX + key)
        return found if isinstance(found, bytes) else None  # text only where the URL asks for it: it cannot be read

    async def put(self, name: str, body: bytes, seconds: float) -> None:
        """Keep a value instead of the one before, for so long."""
        [key] = checked(name)
        kept_seconds = lifetime(body, seconds)
        async with self._asked():
            await self._client.set(PREFIX + key, body, ex=kept_seconds)

    async def remove(self, *names: str) -> int:
        """Keep nothing there; at how many names there was something."""
        keys = [PREFIX + name for name in checked(*names)]
        if not keys:
            return 0
        async with self._asked():
            return int(await self._client.unlink(*keys))

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        try:
            async with in_time(self.place):
                yield
        except (RedisError, OSError) as error:
            raise Unavailable(f"{self.place} does not answer: {str(error) or type(error).__name__}.") from error


def _place(url: str) -> str:
    """Which server and database a URL means, without user and password. Raises ValueError for one that means none."""
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or not _DATABASE.fullmatch(parts.path):
        raise ValueError
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path}"
