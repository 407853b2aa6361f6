from __future__ import annotations

import asyncio

import pytest
from nats.errors import ConnectionClosedError, NoRespondersError
from nats.js.errors import NoStreamResponseError

from shared.model.errors import Unavailable
from shared.transport import nats_errors
from shared.transport.nats_errors import AWAY, down, patiently


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoRespondersError(), "It is away: nobody is there."),
        (ConnectionClosedError(), "It is away: nats: connection closed."),
        (TimeoutError(), "It is away: TimeoutError."),
    ],
)
async def test_what_the_client_raises_is_a_sentence(error: Exception, said: str) -> None:
    with pytest.raises(Unavailable) as caught, down("It is away"):
        raise error
    assert str(caught.value) == said


async def test_what_is_wrong_with_us_is_left_as_it_is() -> None:
    with pytest.raises(KeyError), down("It is away"):
        raise KeyError


async def test_a_cancellation_that_the_client_swallowed_is_raised() -> None:
    waiting = asyncio.Event()

    async def swallow() -> None:
        with down("It is away"):
            waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return

    task = asyncio.create_task(swallow())
    await waiting.wait()
    task.cancel()
    [end] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(end, asyncio.CancelledError)


class Electing:
    """Raises some errors in turn, and then has done it."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def act(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_an_election_is_waited_for() -> None:
    assert await patiently(Electing(NoStreamResponseError(), TimeoutError()).act) == "done"


async def test_what_may_have_been_done_is_not_done_again() -> None:
    with pytest.raises(TimeoutError):
        await patiently(Electing(NoStreamResponseError(), TimeoutError()).act, AWAY)


async def test_an_election_without_end_is_no_more_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_errors, "ELECTION_SECONDS", 0.0)
    with pytest.raises(NoRespondersError):
        await patiently(Electing(*(NoRespondersError() for _ in range(9))).act)
