"""Messages of NATS as they come, and what may go wrong with them. With nats_bus the one door to nats-py."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nats.errors import Error as NatsError

from shared.transport.nats_errors import down

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
    from nats.js import JetStreamContext

FETCH_SECONDS = 2.0
_WITH_DOMAIN = 11
"""Words of a reply subject that names domain and account; the old form has nine (NATS ADR-15). nats-py reads all of
them into an object, which takes longer than all else that a message needs here."""


class NatsMessage:
    """A message as it came, and as a delivery what may be done with it."""

    def __init__(self, message: Msg) -> None:
        self._message = message
        self.subject: str = message.subject
        self.body: bytes = message.data
        self.headers: Mapping[str, str] = message.headers or {}

    @property
    def tries(self) -> int:
        """How often it was delivered, this time included."""
        words = self._message.reply.split(".")
        return int(words[4 if len(words) < _WITH_DOMAIN else 6])

    async def done(self) -> None:
        """It was dealt with."""
        with down(f"The bus did not hear what became of a message for {self.subject}"):
            await self._message.ack()

    async def retry(self, delay_seconds: float) -> None:
        """Give it to someone again, after a while."""
        with down(f"The bus did not hear what became of a message for {self.subject}"):
            await self._message.nak(delay=delay_seconds)

    async def discard(self) -> None:
        """Never deliver it again."""
        with down(f"The bus did not hear what became of a message for {self.subject}"):
            await self._message.term()

    async def working(self) -> None:
        """It takes longer: count the acknowledgement time from now."""
        with down(f"The bus did not hear what became of a message for {self.subject}"):
            await self._message.in_progress()


async def pushed(subscription: Subscription) -> AsyncIterator[NatsMessage]:
    async for message in subscription.messages:
        yield NatsMessage(message)


async def each(arrived: asyncio.Queue[Msg]) -> AsyncIterator[NatsMessage]:
    """As `pushed`, without the task that nats-py's iterator makes for every message: 0.05 ms of every hop."""
    while True:
        yield NatsMessage(await arrived.get())


async def pulled_from(
    subscription: JetStreamContext.PullSubscription, until: asyncio.Event
) -> AsyncIterator[NatsMessage]:
    """One at a time: who asks has room. A fetch that finds nothing, or a server that is away, is asked again, until
    the event is set."""
    task = asyncio.current_task()
    while not until.is_set():
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # nats-py 2.16 swallows it in Client._flush_pending, and would fetch for ever
        try:
            messages = await subscription.fetch(1, timeout=FETCH_SECONDS)
        except TimeoutError:
            continue
        except NatsError:
            await asyncio.sleep(0.25)
            continue
        for message in messages:
            yield NatsMessage(message)
