"""What the suites of the contracts run on: the double and the real thing, by parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.testing import MemoryBus
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.transport.bus import Bus


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
