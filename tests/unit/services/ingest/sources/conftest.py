"""What sources are fetched from and read by: a server on loopback, and real children."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.ingest.decoders.making import Decoders
from services.ingest.limits import IngestLimits
from tests.web import Web, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


@pytest.fixture
async def decoders(pool_fd: int) -> AsyncIterator[Decoders]:
    made = Decoders(pool_fd, IngestLimits(), 1)
    try:
        await made.start()
        yield made
    finally:
        await made.close()
