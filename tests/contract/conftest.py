"""What the suites of the contracts run on: the double and the real thing, by parameter."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from shared.testing import MemoryBus, MemoryContext
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_context import NatsContext
from shared.transport.nats_server import NatsServer
from shared.transport.redis_context import RedisContext
from tests import halting
from tests.cuda.lanes import LANES
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from shared.transport.bus import Bus
    from shared.transport.context import ContextStore
    from tests.conftest import AnswerTime
    from tests.cuda.lanes import Lane


@pytest.fixture(params=["memory", "nats"])
async def bus(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bus]:
    """A bus that keeps nothing yet."""
    if request.param == "memory":
        yield MemoryBus()
        return
    server = NatsServer(tmp_path / "nats")
    server.start()
    try:
        nats = await NatsBus.connect(server.url, "contract")
        yield nats
        await nats.close()
    finally:
        server.stop()


@dataclass(frozen=True, slots=True)
class AnyContext:
    """A context store, and the hand on its server's neck."""

    store: ContextStore
    away: Callable[[], None]
    """The server ends."""
    back: Callable[[], None]
    """It is there again, with what it had or without."""
    halt: Callable[[], None]
    """It takes what is said and answers nothing."""
    go_on: Callable[[], None]


@pytest.fixture(params=["memory", "nats", "redis"])
async def context(
    request: pytest.FixtureRequest, tmp_path: Path, patient_context: AnswerTime
) -> AsyncIterator[AnyContext]:
    """A context store that keeps nothing yet."""
    async with AsyncExitStack() as stack:
        yield await {"memory": in_memory, "nats": in_nats, "redis": in_redis}[request.param](tmp_path, stack)


async def in_memory(folder: Path, stack: AsyncExitStack) -> AnyContext:
    store = MemoryContext()

    def set_down(*, down: bool) -> None:
        store.down = down

    away, back = lambda: set_down(down=True), lambda: set_down(down=False)
    return AnyContext(store, away, back, away, back)


async def in_nats(folder: Path, stack: AsyncExitStack) -> AnyContext:
    server = NatsServer(folder / "nats")
    server.start()
    stack.callback(server.stop)
    bus = await NatsBus.connect(server.url, "contract")
    stack.push_async_callback(bus.close)

    def tell(word: Callable[[int], None]) -> None:
        if server.process is not None:
            word(server.process.pid)

    halt, go_on = lambda: tell(halting.halt), lambda: tell(halting.go_on)
    stack.callback(go_on)
    return AnyContext(NatsContext(bus), server.stop, server.start, halt, go_on)


async def in_redis(folder: Path, stack: AsyncExitStack) -> AnyContext:
    server = stack.enter_context(RedisServer(folder / "redis"))
    store = RedisContext.open(server.url)
    stack.push_async_callback(store.close)
    return AnyContext(store, server.end, server.begin, server.halt, server.go_on)


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest, tmp_path: Path) -> Lane:
    """A lane without an owner."""
    made: Lane = request.param(tmp_path)
    return made
