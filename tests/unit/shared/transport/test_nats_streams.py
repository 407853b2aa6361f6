"""How many servers keep a stream. What streams and queues do is the contract's suite."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from nats.js.errors import BadRequestError

from shared.model.errors import Misconfigured
from shared.transport import nats_errors
from shared.transport.nats_access import NatsAccess
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_streams import consumer, declare
from shared.transport.topology import FRAMES, JOBS, STREAMS, detect_queue, segment_queue
from tests.nats_cluster import NatsCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nats.js.api import StreamConfig, StreamInfo

    from shared.transport.nats_server import NatsServer

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with NatsCluster.on_loopback(tmp_path_factory.mktemp("nats")) as cluster:
        yield cluster


async def replicas(access: NatsAccess) -> set[int]:
    """Of all streams, after a service was there that has this access."""
    bus = await NatsBus.connect(access, "test")
    try:
        infos = [await bus.jetstream.stream_info(stream.name) for stream in STREAMS]
    finally:
        await bus.close()
    return {info.config.num_replicas or 1 for info in infos}


async def test_one_server_keeps_the_streams_of_a_server_that_is_alone(server: NatsServer) -> None:
    assert await replicas(NatsAccess(server.url)) == {1}


async def test_three_keep_those_of_a_cluster_and_a_setting_is_applied_to_what_is_there(cluster: NatsCluster) -> None:
    access = NatsAccess(cluster.urls)
    assert await replicas(access) == {3}
    assert await replicas(replace(access, replicas=1)) == {1}
    assert await replicas(access) == {1}, "who has no wish leaves them as they are"
    assert await replicas(replace(access, replicas=3)) == {3}


async def test_servers_that_are_not_there_yet_are_waited_for(cluster: NatsCluster) -> None:
    bus = await NatsBus.connect(NatsAccess(cluster.urls, replicas=3), "test")
    asked: list[str] = []

    async def refusing(config: StreamConfig) -> StreamInfo:
        asked.append(str(config.name))
        if len(asked) < 3:
            raise BadRequestError(400, "no suitable peers for placement, peer offline", 10005)
        return await bus.jetstream.stream_info(JOBS.name)

    bus.jetstream.update_stream = refusing
    await declare(bus.jetstream, 3, in_cluster=True)
    await bus.close()
    assert asked[:3] == [STREAMS[0].name] * 3


async def test_more_than_there_are_servers_is_said(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_errors, "ELECTION_SECONDS", 0.5)
    with pytest.raises(Misconfigured, match=r"stream JOBS cannot be made.*Are all servers of the cluster there"):
        await NatsBus.connect(NatsAccess(server.url, replicas=3), "test")


async def test_messages_are_taken_while_nobody_leads_their_stream(cluster: NatsCluster) -> None:
    bus = await NatsBus.connect(NatsAccess(cluster.urls, replicas=3), "test")
    await cluster.whole([stream.name for stream in STREAMS])
    leader = await cluster.leader(JOBS.name)
    await bus.publish("jobs.segment.a.0", b"before")
    leader.kill()
    async with asyncio.timeout(PATIENCE_SECONDS), bus.consume(segment_queue()) as messages:
        await bus.publish("jobs.segment.a.1", b"after")
        came = {(await anext(messages)).body for _ in range(2)}
    assert came == {b"before", b"after"}
    cluster.start(leader)
    await bus.close()


def test_a_queue_that_is_pushed_has_its_inbox_and_one_that_is_asked_has_none() -> None:
    assert consumer(detect_queue("a")).deliver_subject == "deliver.detect-a"
    assert consumer(segment_queue()).deliver_subject is None
    assert consumer(detect_queue("a")).durable_name == "detect-a"
    assert FRAMES.in_memory
