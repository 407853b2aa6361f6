"""What the suites of the contracts run on: the double and the real thing, by parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.memory.host import HostPool
from shared.memory.reader import HostReader
from shared.testing import MemoryBus
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.memory.layout import SlotClass
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


class HostLane:
    """A lane whose frames lie in the memory of this host."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "visavis-contract"

    def own(self, *classes: SlotClass) -> HostPool:
        """A new owner: a new epoch."""
        return HostPool.create(self.path, classes)

    def reader(self, name: str = "reader") -> HostReader:
        """A reader, not yet open."""
        return HostReader(self.path, name)


LANES = {"host": HostLane}
"""Every kind of frame pool, by name. Each is made with a folder."""


@pytest.fixture(params=list(LANES))
def lane(request: pytest.FixtureRequest, tmp_path: Path) -> HostLane:
    """A lane without an owner."""
    return LANES[request.param](tmp_path)
