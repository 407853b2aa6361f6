"""The bucket on a real server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shared.transport.context import MOST_BYTES
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_context import BUCKET, NatsContext
from shared.transport.topology import CONTEXT

if TYPE_CHECKING:
    pass


async def test_it_is_a_bucket_for_every_other_client_too(bus: NatsBus) -> None:
    await NatsContext(bus).put("a", b"x", 60)
    bucket = await bus.jetstream.key_value(BUCKET)
    assert (await bucket.get("a")).value == b"x"
    await bucket.put("a", b"y")
    assert await NatsContext(bus).get("a") == b"y"
    await bucket.delete("a")
    assert await NatsContext(bus).get("a") is None


async def test_a_full_bucket_forgets_what_is_oldest(bus: NatsBus) -> None:
    context, body = NatsContext(bus), os.urandom(MOST_BYTES)
    number = CONTEXT.max_bytes // MOST_BYTES + 2
    for place in range(number):
        await context.put(str(place), body, 600)
    assert await context.get("0") is None
    assert await context.get(str(number - 1)) == body
