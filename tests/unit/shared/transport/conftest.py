"""A real server on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """Started."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[NatsBus]:
    """By that server."""
    bus = await NatsBus.connect(server.url, "test")
    yield bus
    await bus.close()
