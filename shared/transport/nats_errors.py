"""What nats-py raises where the server is away or says no, as Unavailable."""

from __future__ import annotations

import asyncio

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from shared.model.errors import Unavailable

DOWN = (NatsError, asyncio.TimeoutError, OSError)


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


def _times_cancelled() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
