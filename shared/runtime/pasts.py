"""The pasts of sessions: kept where another goes on from them, and found again. Never an error for who asks."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.model.errors import Malformed, Unavailable
from shared.model.live import RESUME_SECONDS
from shared.model.past import VERSION, SessionPast
from shared.runtime.logs import log
from shared.transport import wire
from shared.transport.nats_context import NatsContext

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.runtime.settings import ServiceSettings
    from shared.transport.context import ContextStore
    from shared.transport.nats_bus import NatsBus

TELL_SECONDS = 60.0
"""That the store is away is logged so often."""
_past = wire.decoder(SessionPast)


class Pasts:
    """What a store has of sessions. A store that is away has nothing, and takes nothing: a session goes on without."""

    def __init__(self, store: ContextStore) -> None:
        self._store = store
        self._told: float | None = None

    async def keep(self, name: str, past: SessionPast, seconds: float = RESUME_SECONDS) -> None:
        """Keep a past instead of the one before."""
        try:
            await self._store.put(name, wire.encode(past), seconds)
        except Unavailable as error:
            self._tell(str(error))

    async def find(self, name: str) -> SessionPast | None:
        """What is kept under that name; None for a new beginning: nothing is there, or nothing that can be read."""
        try:
            body = await self._store.get(name)
            past: SessionPast | None = None if body is None else wire.decode(body, _past)
        except (Unavailable, Malformed) as error:
            self._tell(str(error))
            return None
        return past if past is not None and past.version == VERSION else None

    async def forget(self, *names: str) -> int:
        """Keep nothing under those names any more; how many there were. A store that is away forgets by itself."""
        try:
            return await self._store.remove(*names)
        except Unavailable as error:
            self._tell(str(error))
            return 0

    def _tell(self, detail: str) -> None:
        now = time.monotonic()
        if self._told is None or now - self._told >= TELL_SECONDS:
            self._told = now
            log.warning("session context is lost", detail=detail)


@asynccontextmanager
async def kept_where(settings: ServiceSettings, bus: NatsBus) -> AsyncIterator[Pasts]:
    """Pasts in the store that the settings name. Raises Misconfigured."""
    url = settings.context.get_secret_value()
    if not url:
        yield Pasts(NatsContext(bus))
        return
    from shared.transport.redis_context import RedisContext  # noqa: PLC0415  -- costs who has no Redis memory

    store = RedisContext.open(url)
    try:
        yield Pasts(store)
    finally:
        await store.close()
