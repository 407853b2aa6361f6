"""A replay whose sender falls silent. The rest is the contract's suite, and tests of the bus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.transport import nats_replay
from shared.transport.nats_bus import NatsBus

if TYPE_CHECKING:
    import pytest

    from shared.transport.nats_server import NatsServer

PATIENCE_SECONDS = 30


async def test_a_replay_whose_sender_is_gone_begins_anew_and_repeats_nothing(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_replay, "BEAT_SECONDS", 0.2)
    monkeypatch.setattr(nats_replay, "SILENCE_SECONDS", 0.6)
    bus = await NatsBus.connect(server.url, "test")
    subject = "jobs.event.one.job"
    async with bus.replay(subject) as messages:
        await bus.publish(subject, b"before")
        assert (await asyncio.wait_for(anext(messages), PATIENCE_SECONDS)).body == b"before"
        coming = asyncio.ensure_future(anext(messages))
        [sender] = await bus.jetstream.consumers_info("EVENTS")
        assert await bus.jetstream.delete_consumer("EVENTS", sender.name), "as it is gone with its node"
        await bus.publish(subject, b"after")
        assert (await asyncio.wait_for(coming, PATIENCE_SECONDS)).body == b"after"
    assert await bus.jetstream.consumers_info("EVENTS") == []
    await bus.close()


async def test_a_replay_that_hears_beats_alone_waits_on(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_replay, "BEAT_SECONDS", 0.2)
    bus = await NatsBus.connect(server.url, "test")
    async with bus.replay("jobs.event.one.job") as messages:
        coming = asyncio.ensure_future(anext(messages))
        await asyncio.wait((coming,), timeout=0.7)
        [sender] = await bus.jetstream.consumers_info("EVENTS")
        await bus.publish("jobs.event.one.job", b"x")
        assert (await asyncio.wait_for(coming, PATIENCE_SECONDS)).body == b"x"
        assert [one.name for one in await bus.jetstream.consumers_info("EVENTS")] == [sender.name]
    await bus.close()
