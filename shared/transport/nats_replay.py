"""All that a subject keeps and then what comes, whatever becomes of the server that sends it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import api
from nats.js.errors import NotFoundError

from shared.transport.nats_errors import DOWN
from shared.transport.nats_messages import NatsMessage
from shared.transport.topology import keeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.subscription import Subscription
    from nats.js import JetStreamContext

BEAT_SECONDS = 5.0
"""So often the server says that it is there, when it has nothing else to say."""
SILENCE_SECONDS = 3 * BEAT_SECONDS
FORGET_SECONDS = 60.0


class Replay:
    """How far somebody has watched a subject. The server's side of it lives on one node and does not outlive it."""

    def __init__(self, jetstream: JetStreamContext, subject: str, inbox: str) -> None:
        self.inbox = inbox
        self._jetstream, self._subject = jetstream, subject
        self._stream, self._consumer, self._seen = keeper(subject).name, "", 0

    async def begin(self) -> None:
        """Have a server send what was not seen yet; once more after a reconnection. Raises what nats-py does."""
        await self.end()
        info = await self._jetstream.add_consumer(self._stream, config=self._config())
        self._consumer = info.name

    async def end(self) -> None:
        """Have nothing sent any more."""
        if self._consumer:
            with suppress(NotFoundError):
                await self._jetstream.delete_consumer(self._stream, self._consumer)
        self._consumer = ""

    async def new_ones(self, subscription: Subscription) -> AsyncIterator[NatsMessage]:
        """Messages that were not seen yet, as they come to the inbox."""
        while True:
            try:
                message = await subscription.next_msg(timeout=SILENCE_SECONDS)
            except NatsTimeoutError:
                with suppress(*DOWN):  # the next silence begins anew
                    await self.begin()
                continue
            if not message.reply:
                continue  # a beat
            number = int(message.metadata.sequence.stream)
            if number > self._seen:
                self._seen = number
                yield NatsMessage(message)

    def _config(self) -> api.ConsumerConfig:
        return api.ConsumerConfig(
            deliver_subject=self.inbox,
            filter_subject=self._subject,
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._seen + 1,
            ack_policy=api.AckPolicy.NONE,
            idle_heartbeat=BEAT_SECONDS,
            inactive_threshold=FORGET_SECONDS,
            mem_storage=True,
            num_replicas=1,
        )
