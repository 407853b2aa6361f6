"""Who draws before whom: what somebody waits for has threads of its own, and those of jobs stand back for them."""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

Result = TypeVar("Result")

NICENESS = 10
"""Of threads that stand back: beside one that does not they get a tenth of a core, and all of it where nothing else
wants it."""
SWITCH_SECONDS = 0.0005
"""Python's own is 0.005: so long a thread leaves the interpreter's lock to another that computes. A live frame waits
for it a few times on its way."""


async def to_the_end(work: Awaitable[Result]) -> Result:
    """Wait for what a thread does; if cancelled, too, until it is done: no thread can be stopped."""
    future = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait((future,))
        if not future.cancelled():
            future.exception()  # whose nobody will hear
        raise


def share_quickly() -> None:
    """Have this process's threads pass the interpreter's lock on soon."""
    sys.setswitchinterval(SWITCH_SECONDS)


def stand_back() -> None:
    """Have this thread, and those that it starts, run behind others. Linux keeps a niceness for each thread.

    One that stands further back stays there: the kernel lets few come forward.
    """
    if os.getpriority(os.PRIO_PROCESS, 0) < NICENESS:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


class Precedence:
    """Threads to draw in, of two kinds. Of either kind so many draw at a time, in the order in which they came."""

    def __init__(self, parallel: int) -> None:
        """parallel: sessions of a kind that are drawn at a time, 1 or more."""
        self._first = _Threads(parallel, ThreadPoolExecutor(parallel + 1, "drawing"))
        self._last = _Threads(parallel, ThreadPoolExecutor(parallel + 1, "drawing-jobs", stand_back))

    def threads(self, *, of_job: bool) -> ThreadPoolExecutor:
        """For what waits for encoders, or ends them; one is free for that while all draw."""
        return (self._last if of_job else self._first).pool

    @asynccontextmanager
    async def turn(self, *, of_job: bool) -> AsyncIterator[ThreadPoolExecutor]:
        """Threads of which one is free to draw in, as soon as that is so."""
        kind = self._last if of_job else self._first
        async with kind.places:
            yield kind.pool

    def close(self) -> None:
        """Take nothing more."""
        for kind in (self._first, self._last):
            kind.pool.shutdown(wait=False)


class _Threads:
    def __init__(self, parallel: int, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.places = asyncio.Semaphore(parallel)
