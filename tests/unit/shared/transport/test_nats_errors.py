from __future__ import annotations

import asyncio

import pytest
from nats.errors import ConnectionClosedError, NoRespondersError

from shared.model.errors import Unavailable
from shared.transport.nats_errors import down


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
