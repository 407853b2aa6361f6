"""The past of a live session: kept while it goes on, and taken up by who goes on from it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from services.render.session import SessionState
from shared.model.errors import Malformed
from shared.model.past import SessionPast
from shared.transport import wire

if TYPE_CHECKING:
    from services.render.session import RenderSession
    from shared.model.looks import Look
    from shared.runtime.pasts import Pasts

KEEP_SECONDS = 1.0
"""A session's past is kept so often."""
CLOSE_SECONDS = 1.0
"""What the store may take for the last of it: who ends a session waits two seconds for an answer."""
_state = wire.decoder(SessionState)


class PastKeeper:
    """Keeps a session's past now and then. One at a time is on its way to the store, and the newest goes next.

    No frame waits for the store.
    """

    def __init__(self, pasts: Pasts, name: str) -> None:
        self._pasts, self._name = pasts, name
        self._kept_at: float | None = None
        self._look: Look | None = None
        self._newest: SessionPast | None = None
        self._keeping: asyncio.Task[None] | None = None

    def keep(self, session: RenderSession, *, now: bool = False) -> None:
        """Keep what the session knows: at once for a new look or `now`, else if it is time again."""
        is_due = self._kept_at is None or time.monotonic() - self._kept_at >= KEEP_SECONDS
        if not (now or is_due or session.look != self._look):
            return
        self._kept_at, self._look = time.monotonic(), session.look
        self._newest = SessionPast(look=session.look, state=msgspec.Raw(wire.encode(session.state)))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Until the last is kept, or the store has had its time."""
        if self._keeping is not None:
            _, late = await asyncio.wait((self._keeping,), timeout=CLOSE_SECONDS)
            for keeping in late:
                keeping.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _keep(self) -> None:
        while self._newest is not None:
            past, self._newest = self._newest, None
            await self._pasts.keep(self._name, past)


async def taken_up(pasts: Pasts, name: str) -> SessionState | None:
    """What another session left under that name, to go on from; None for a new beginning."""
    past = await pasts.find(name)
    if past is None:
        return None
    try:
        state: SessionState = wire.decode(bytes(past.state), _state)
    except Malformed:
        return None
    return state.taken_up()
