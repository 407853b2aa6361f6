"""The function itself: what every platform's own way of calling it comes to."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from shared.model.errors import Misconfigured
from shared.transport.store import ObjectStore
from visavis.oneshot.oneshot import Oneshot
from visavis.oneshot.segment import SegmentWork
from visavis.oneshot.segment_pasts import SegmentPasts
from visavis.oneshot.settings import OneshotSettings

if TYPE_CHECKING:
    from shared.model.jobs import SegmentDone, SegmentFailed, SegmentRequested
    from visavis.serverless.steps import Steps


class Function:
    """SegmentRequested -> SegmentDone | SegmentFailed, warm from its first call on."""

    def __init__(self, work: SegmentWork, steps: Steps, closing: AsyncExitStack) -> None:
        """Made by `started`."""
        self._work, self._steps, self._closing = work, steps, closing
        self._answered = False

    @classmethod
    async def started(cls, steps: Steps) -> Self:
        """Ready for the first segment. steps: is told of every step.

        Raises Misconfigured, with what to do, without an object store or models and where VISAVIS_CONTEXT names no
        Redis; Unavailable where no decoder starts.
        """
        settings = OneshotSettings.read()
        if not settings.ingest.store_url:
            raise Misconfigured("Set VISAVIS_STORE_URL: a function has no folder that outlives it.")
        store = ObjectStore.open(settings.ingest.store_url)
        async with AsyncExitStack() as stack:
            pasts = _pasts(settings.ingest.context.get_secret_value(), stack)
            steps.tell("settings read and store opened")
            oneshot = await stack.enter_async_context(await Oneshot.started(settings, steps.tell))
            made = cls(SegmentWork(oneshot, store, pasts), steps, stack.pop_all())
        steps.tell("ready")
        return made

    async def segment(self, request: SegmentRequested, session: str) -> SegmentDone | SegmentFailed:
        """See SegmentWork.run."""
        answer = await self._work.run(request, session)
        if not self._answered:
            self._answered = True
            self._steps.tell("first result")
        return answer

    async def close(self) -> None:
        """End every process and thread."""
        await self._closing.aclose()


def _pasts(url: str, stack: AsyncExitStack) -> SegmentPasts | None:
    """In the Redis at that address; None without one. Raises Misconfigured."""
    if not url:
        return None
    from shared.transport.redis_context import RedisContext  # noqa: PLC0415  -- costs who has no Redis memory

    context = RedisContext.open(url)
    stack.push_async_callback(context.close)
    return SegmentPasts(context, _tell_lost)


def _tell_lost(detail: str) -> None:
    said = {"event": "context lost", "detail": detail}
    print(json.dumps(said), flush=True)  # noqa: T201  -- the function's log
