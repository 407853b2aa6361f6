"""Ends the work on a job in the moment in which nobody wants it any more, whatever is being done for it just then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from shared.model.errors import Late
from shared.model.jobs import JobCancelled, JobEvent, events_of
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from shared.transport.bus import Bus, Received

T = TypeVar("T")
_event = wire.decoder(JobEvent)


class Cancelled(Late):
    """The job was cancelled while it was worked on: what was made of it is to be removed."""


async def until_cancelled(bus: Bus, job: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What the work answers. Raises Cancelled as soon as the job is cancelled, once the work has ended.

    The work begins when a cancellation would be heard: asked for then, the ledger knows those of before.
    """
    async with bus.listen(events_of(job)) as events:
        working = asyncio.create_task(work())
        hearing = asyncio.create_task(_cancelled(events))
        try:
            await asyncio.wait((working, hearing), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            await hearing  # an error of its own is one of the bus
            raise Cancelled(f"The job {job} was cancelled.")
        finally:
            await _ended(working, hearing)


async def _cancelled(events: AsyncIterator[Received]) -> None:
    async for received in events:
        if isinstance(wire.decode(received.body, _event), JobCancelled):
            return


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
