"""The function itself: what every platform's own way of calling it comes to."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from shared.model.errors import Misconfigured
from shared.transport.store import ObjectStore
from visavis.oneshot.oneshot import Oneshot
from visavis.oneshot.segment import SegmentWork
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

        Raises Misconfigured, with what to do, without an object store or models; Unavailable where no decoder starts.
        """
        settings = OneshotSettings.read()
        if not settings.ingest.store_url:
            raise Misconfigured("Set VISAVIS_STORE_URL: a function has no folder that outlives it.")
        store = ObjectStore.open(settings.ingest.store_url)
        steps.tell("settings read and store opened")
        async with AsyncExitStack() as stack:
            oneshot = await stack.enter_async_context(await Oneshot.started(settings, steps.tell))
            made = cls(SegmentWork(oneshot, store), steps, stack.pop_all())
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
