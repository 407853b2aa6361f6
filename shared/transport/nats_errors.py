"""What nats-py raises where the server is away or says no, as Unavailable."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js.errors import NoStreamResponseError, ServiceUnavailableError

from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
DOWN = (NatsError, asyncio.TimeoutError, OSError)
AWAY = (NoRespondersError, NoStreamResponseError, ServiceUnavailableError)
"""Nobody leads what was asked for: the others have noticed a death, or will, and elect. Nothing was done."""
OR_SILENT = (*AWAY, asyncio.TimeoutError)
"""The same, or one leads who died before it answered. It may have been done."""
ELECTION_SECONDS = 20.0
"""A cluster has elected by then: its servers wait 4 to 9 s for a leader's word before one of them stands (nats-server's
raft.go), and may have to vote twice."""
_PAUSE_SECONDS = 0.1


class down:  # noqa: N801  -- reads as the words of a with statement
    """Turns the client's errors into Unavailable with a sentence, and raises the cancellation that it swallows.

    nats-py 2.16 does that in Client._flush_pending, where whoever publishes much waits: a task would go on for ever.
    """

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence
        self._cancelled = 0

    def __enter__(self) -> None:
        self._cancelled = _times_cancelled()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None and _times_cancelled() > self._cancelled:
            raise asyncio.CancelledError
        if isinstance(error, NoRespondersError):
            raise Unavailable(f"{self._sentence}: nobody is there.") from error
        if isinstance(error, DOWN):
            raise Unavailable(f"{self._sentence}: {str(error) or type(error).__name__}.") from error


async def patiently(act: Callable[[], Awaitable[T]], errors: tuple[type[Exception], ...] = OR_SILENT) -> T:
    """What comes of `act`, tried again while no server leads, for as long as an election takes at most.

    errors: those after which it is tried again; by default it may be done twice.
    """
    end = asyncio.get_running_loop().time() + ELECTION_SECONDS
    while True:
        try:
            return await act()
        except errors:
            if asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


def _times_cancelled() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
