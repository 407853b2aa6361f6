"""What only the real bus can show: a server that goes away and comes back. The rest is the contract's suite."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Misconfigured, Unavailable
from shared.transport import nats_bus
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import NatsServer
from shared.transport.topology import Queue, detect_queue, segment_queue
from tests.halting import go_on, halt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.transport.bus import Received

PIECE, PIECES = bytes(512 * 1024), 64
"""More than sockets take whose other end stands still."""


def kill(server: NatsServer) -> None:
    assert server.process is not None
    server.process.kill()
    server.process.wait()


async def restart(server: NatsServer) -> None:
    kill(server)
    await asyncio.to_thread(server.start)


async def publish_when_it_is_back(bus: NatsBus, subject: str, body: bytes) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                return await bus.publish(subject, body)
            except Unavailable:
                await asyncio.sleep(0.1)


async def test_nobody_at_the_address_is_said_with_its_remedy_and_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_bus, "CONNECT_SECONDS", 0.5)
    with pytest.raises(Misconfigured, match=r"answers at 127\.0\.0\.1:9: .* --nats"):
        await NatsBus.connect("nats://user:password@127.0.0.1:9", "test")


async def test_while_the_server_is_away_everything_is_unavailable(server: NatsServer, bus: NatsBus) -> None:
    kill(server)
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable):
        await bus.request("sessions.open", b"", timeout_seconds=0.2)
    with pytest.raises(Unavailable):
        await bus.publish("jobs.segment.a.0", b"x")
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize("queue", [detect_queue("a"), segment_queue()], ids=["pushed from memory", "pulled from disk"])
async def test_consuming_goes_on_after_the_server_was_killed(server: NatsServer, bus: NatsBus, queue: Queue) -> None:
    async with bus.consume(queue) as messages:
        await bus.publish(queue.subject, b"before")
        await (await asyncio.wait_for(anext(messages), 5)).done()
        coming = asyncio.ensure_future(anext(messages))
        await restart(server)
        await publish_when_it_is_back(bus, queue.subject, b"after")
        delivery = await asyncio.wait_for(coming, 20)
        if delivery.body == b"before":  # a killed server may not have written down what was acknowledged
            await delivery.done()
            delivery = await asyncio.wait_for(anext(messages), 20)
        assert delivery.body == b"after"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[NatsServer]:
    """A second server, which knows nothing of the first."""
    server = NatsServer(tmp_path / "other")
    server.start()
    yield server
    server.stop()


async def test_another_server_is_gone_to_though_the_first_takes_nothing_of_what_is_on_its_way(
    server: NatsServer, other: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_bus, "PING_SECONDS", 0.2)
    bus = await NatsBus.connect(f"{server.url},{other.url}", "test")
    used = str(bus._client.connected_url.port)  # type: ignore[union-attr]
    gone = next(one.process for one in (server, other) if one.process is not None and used in one.url)
    halt(gone.pid)
    try:
        for _ in range(PIECES):
            with suppress(Unavailable):
                await asyncio.wait_for(bus.send("live.one.in", PIECE), 5)
        await publish_when_it_is_back(bus, "jobs.event.one.job", b"x")
        assert await bus.last("jobs.event.one.job") == b"x"
    finally:
        go_on(gone.pid)
        await bus.close()


async def test_closing_does_not_wait_for_a_server_that_takes_nothing(server: NatsServer) -> None:
    bus = await NatsBus.connect(server.url, "test")
    assert server.process is not None
    halt(server.process.pid)
    try:
        with suppress(TimeoutError):
            for _ in range(PIECES):
                await asyncio.wait_for(bus.send("live.one.in", PIECE), 0.5)
        await asyncio.wait_for(bus.close(), 20)
    finally:
        go_on(server.process.pid)


async def test_what_lay_on_disk_outlives_the_server(server: NatsServer, bus: NatsBus) -> None:
    await bus.publish("jobs.segment.a.0", b"x")
    await bus.publish("jobs.event.one.job", b"y")
    await restart(server)
    async with asyncio.timeout(20):
        while True:
            try:
                assert await bus.last("jobs.event.one.job") == b"y"
                break
            except Unavailable:
                await asyncio.sleep(0.1)
    async with bus.consume(segment_queue()) as messages:
        assert (await asyncio.wait_for(anext(messages), 10)).body == b"x"


async def test_answers_and_listeners_go_on_after_the_server_was_killed(server: NatsServer, bus: NatsBus) -> None:
    async def answer(received: Received) -> bytes:
        return received.body

    async with bus.answer("sessions.open", "g", answer), bus.listen("live.*.in") as heard:
        await restart(server)
        async with asyncio.timeout(20):
            while True:
                try:
                    assert await bus.request("sessions.open", b"x", timeout_seconds=0.5) == b"x"
                    break
                except Unavailable:
                    await asyncio.sleep(0.1)
        await bus.send("live.a.in", b"y")
        assert (await asyncio.wait_for(anext(heard), 5)).body == b"y"


async def test_a_replay_goes_on_after_the_server_was_killed_and_repeats_nothing(
    server: NatsServer, bus: NatsBus
) -> None:
    async with bus.replay("jobs.event.one.job") as messages:
        await bus.publish("jobs.event.one.job", b"before")
        assert (await asyncio.wait_for(anext(messages), 5)).body == b"before"
        await restart(server)
        await publish_when_it_is_back(bus, "jobs.event.one.job", b"after")
        assert (await asyncio.wait_for(anext(messages), 20)).body == b"after"


async def test_a_server_that_comes_back_without_what_it_had_in_memory_is_noticed_by_everybody(
    server: NatsServer, bus: NatsBus
) -> None:
    other = await NatsBus.connect(server.url, "other")
    assert (bus.losses, other.losses) == (0, 0)
    await restart(server)
    async with asyncio.timeout(20):
        while (bus.losses, other.losses) != (1, 1):  # noqa: ASYNC110  -- nobody says when it has noticed
            await asyncio.sleep(0.05)
    await other.close()


async def test_a_connection_that_breaks_is_no_loss(bus: NatsBus) -> None:
    await bus._restore()
    assert bus.losses == 0


async def test_a_cluster_that_began_anew_has_lost_frames_though_its_streams_look_as_old_as_before(bus: NatsBus) -> None:
    await bus.publish("lane.a.detect", b"x")
    await bus._restore()
    assert bus.losses == 0
    bus._last_frame += 1  # what the cluster had before all of it was started again
    await bus._restore()
    assert bus.losses == 1


async def test_connecting_again_leaves_the_streams_as_they_are(server: NatsServer, bus: NatsBus) -> None:
    await bus.publish("jobs.event.one.job", b"x")
    other = await NatsBus.connect(server.url, "other")
    assert await other.last("jobs.event.one.job") == b"x"
    await other.close()


async def test_a_failing_answer_is_logged(bus: NatsBus, caplog: pytest.LogCaptureFixture) -> None:
    async def answer(_: Received) -> bytes:
        raise KeyError("a bug")

    async with bus.answer("sessions.open", "g", answer):
        with pytest.raises(Unavailable):
            await bus.request("sessions.open", b"", timeout_seconds=0.2)
    assert "a request to sessions.open was not answered" in caplog.text
