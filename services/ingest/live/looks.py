"""Changes of a live session's look: render has each ready before the first frame that is drawn by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.model.errors import Unavailable
from shared.model.jobs import Problem
from shared.model.live import LookPrepared, LookRefused, LookWanted, PrepareLook, look_subject
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.ingest.lane import Lane
    from services.ingest.live.pump import LivePump
    from shared.model.sessions import SessionBegun

PREPARE_SECONDS = 10.0
"""So long render may take to fetch what a look refers to."""
_prepared = wire.decoder(LookPrepared | LookRefused)


class LookChanges:
    """One after the other; of those that wait only the newest counts."""

    def __init__(self, lane: Lane, session: str, pump: LivePump, say: Callable[[LookRefused], Awaitable[None]]) -> None:
        """say: to the gateway."""
        self._lane, self._session, self._pump, self._say = lane, session, pump, say
        self._newest: LookWanted | None = None
        self._stirred = asyncio.Event()

    def want(self, wanted: LookWanted) -> None:
        """Another look, from the next frame on that is not yet decoded when render has it ready.

        One that is wanted before the former was begun with takes its place.
        """
        self._newest = wanted
        self._stirred.set()

    async def follow(self, begun: SessionBegun) -> None:
        """Have changes prepared and drawn by, until cancelled. begun: of who owns the session."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            wanted, self._newest = self._newest, None
            if wanted is None:
                continue
            answer = await self._prepared(wanted, begun)
            if isinstance(answer, LookRefused):
                await self._say(answer)
            else:
                self._pump.draw_by(wanted.look, wanted.change)

    async def _prepared(self, wanted: LookWanted, begun: SessionBegun) -> LookPrepared | LookRefused:
        request = PrepareLook(session=self._session, look=wanted.look, change=wanted.change)
        subject = look_subject(self._lane.name, begun.worker)
        try:
            body = await self._lane.bus.request(subject, wire.encode(request), timeout_seconds=PREPARE_SECONDS)
        except Unavailable as error:
            return LookRefused(change=wanted.change, problem=Problem("unavailable", str(error)))
        answer: LookPrepared | LookRefused = wire.decode(body, _prepared)
        return answer
