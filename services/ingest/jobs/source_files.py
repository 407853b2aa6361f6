"""Uploads of jobs as files of this lane: fetched once for all segments that are worked on here at about that time."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.model.jobs import source_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.transport.store import ObjectStore

IDLE_SECONDS = 10.0
"""So long a file is kept when nobody reads it: the next segment of the job may come at once."""


class _File:
    """One upload here."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.readers = 0
        self.tag = ""
        """Of the object that lies here; empty: none does."""
        self.forgetting: asyncio.TimerHandle | None = None


class SourceFiles:
    """The uploads under one folder, by job."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        """folder: is made when it is needed, and is nobody else's."""
        self._store, self._folder = store, folder
        self._files: dict[str, _File] = {}

    @asynccontextmanager
    async def of(self, job: str) -> AsyncIterator[Path]:
        """The upload as a file, within the context. Raises Lost if there is none, Unavailable without an answer."""
        file = self._files.setdefault(job, _File())
        file.readers += 1
        if file.forgetting is not None:
            file.forgetting.cancel()
        path = self._folder / job / "source"
        try:
            async with file.lock:
                tag = await self._store.tag(source_key(job))
                if tag != file.tag:  # another upload may have taken the name, by an Idempotency-Key
                    await asyncio.to_thread(_make_room, path)
                    await self._store.download(source_key(job), path)
                    file.tag = tag
            yield path
        finally:
            file.readers -= 1
            if not file.readers:
                wait = IDLE_SECONDS if file.tag else 0.0
                file.forgetting = asyncio.get_running_loop().call_later(wait, self._forget, job, file)

    def forget(self, job: str) -> None:
        """Nobody will read it any more: it goes as soon as nobody does."""
        file = self._files.get(job)
        if file is not None and not file.readers:
            if file.forgetting is not None:
                file.forgetting.cancel()
            self._forget(job, file)

    def close(self) -> None:
        """Forget all."""
        for job, file in list(self._files.items()):
            file.readers = 0
            self.forget(job)

    def _forget(self, job: str, file: _File) -> None:
        if not file.readers and self._files.get(job) is file:
            del self._files[job]
            shutil.rmtree(self._folder / job, ignore_errors=True)


def _make_room(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # whoever reads the former one goes on with that
