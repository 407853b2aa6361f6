"""What is known at the end of a segment, kept for the next one of its job. Never an error for who asks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import msgspec

from services.render.session import SessionState
from shared.model.errors import Malformed, Unavailable
from shared.model.jobs import context_name
from shared.model.past import VERSION, SegmentPast
from shared.transport import wire
from visavis.oneshot.composed import Known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.model.jobs import SegmentRequested
    from shared.transport.context import ContextStore
    from visavis.oneshot.oneshot import Finished

KEEP_SECONDS = 900.0
"""As long as a platform lets one call take: the next segment of a job begins by then, or warms up."""
AWAY_SECONDS = 10.0
"""A store that has not answered is not asked for so long: a call waits for it once, not at its begin and its end."""
T = TypeVar("T")
_past, _state = wire.decoder(SegmentPast), wire.decoder(SessionState)


class SegmentPasts:
    """Whatever is lost, late or cannot be read is as good as nothing: the next segment is warmed up then."""

    def __init__(self, store: ContextStore, tell: Callable[[str], None]) -> None:
        """tell: is told in a sentence what was lost."""
        self._store, self._tell = store, tell
        self._away_until = 0.0

    async def before(self, request: SegmentRequested) -> Known | None:
        """What was known where the segment begins; None: nothing is kept, or of another request."""
        if request.span is None or not request.span.warm:
            return None
        body = await self._asked(self._store.get, context_name(request.job, request.segment - 1))
        if body is None:
            return None
        try:
            past: SegmentPast = wire.decode(body, _past)
            if past.version != VERSION or not past.is_continued_by(request):
                return None
            return Known(wire.decode(bytes(past.state), _state), past.faces)
        except Malformed as error:
            self._tell(str(error))
            return None

    async def keep(self, request: SegmentRequested, done: Finished) -> None:
        """For the segment that begins where this one has ended, unless frames were lost on the way there."""
        span = request.span
        if span is None or span.end is None or done.frames != span.frames or done.summary.damaged_packets:
            return
        state, faces = done.known
        past = SegmentPast(request=request, faces=faces, state=msgspec.Raw(wire.encode(state)))
        await self._asked(self._store.put, context_name(request.job, request.segment), wire.encode(past), KEEP_SECONDS)

    async def _asked(self, ask: Callable[..., Awaitable[T]], *arguments: object) -> T | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            return await ask(*arguments)
        except Unavailable as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            self._tell(str(error))
            return None
