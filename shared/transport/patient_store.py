"""An object store that is waited for: an outage of seconds costs a job neither its work nor a try."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from shared.model.errors import Unavailable
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

T = TypeVar("T")
_log = logging.getLogger(__name__)
PATIENCE_SECONDS: Final = 20.0
"""Less than ingest waits for a word from render, which may be waiting for the store."""
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 2.0


class PatientStore(ObjectStore):
    """Asks again for PATIENCE_SECONDS before it raises Unavailable.

    A conditional write whose answer was lost, and that was done, is told as done by somebody else: who asks under a
    condition reads what is there then.
    """

    @classmethod
    def of(cls, store: ObjectStore) -> Self:
        """The same store, with patience."""
        return cls(store._store, store._folder)  # noqa: SLF001  -- of its own class

    async def put(self, key: str, body: bytes | Path | AsyncIterable[bytes]) -> None:
        """See ObjectStore.put; pieces come once and are not waited for."""
        if isinstance(body, bytes | Path):
            await _patiently(partial(super().put, key, body))
        else:
            await super().put(key, body)

    async def get(self, key: str) -> bytes:
        """See ObjectStore.get."""
        return await _patiently(partial(super().get, key))

    async def create(self, key: str, body: bytes) -> bool:
        """See ObjectStore.create."""
        return await _patiently(partial(super().create, key, body))

    async def get_tagged(self, key: str) -> tuple[bytes, str]:
        """See ObjectStore.get_tagged."""
        return await _patiently(partial(super().get_tagged, key))

    async def replace(self, key: str, body: bytes, tag: str) -> bool:
        """See ObjectStore.replace."""
        return await _patiently(partial(super().replace, key, body, tag))

    async def size(self, key: str) -> int:
        """See ObjectStore.size."""
        return await _patiently(partial(super().size, key))

    async def download(self, key: str, target: Path) -> None:
        """See ObjectStore.download."""
        await _patiently(partial(super().download, key, target))

    async def remove(self, key: str) -> int:
        """See ObjectStore.remove."""
        return await _patiently(partial(super().remove, key))


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    end, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await ask()
        except Unavailable as error:
            if time.monotonic() + pause > end:
                raise
            _log.warning("the store is waited for: %s", error)
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)
