"""What a render process that was killed has recorded until then: the next one in its folder stores it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from typing import TYPE_CHECKING, Final

from services.render.outputs.muxing import has_pictures
from services.render.outputs.shelf import insisted, keep_recording, stream_key
from shared.model.errors import Unavailable
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shared.transport.store import ObjectStore

_SUFFIX: Final = ".recording"


def recording_folder(work: Path, stream: str, session: str) -> Path:
    """Where the recordings of one session lie while they are made. work: the worker's own."""
    return work / f"{stream}.{session}{_SUFFIX}"


def cleared(work: Path) -> list[Path]:
    """Empty a worker's folder of what an earlier process has left, but for recordings: their folders are answered."""
    work.mkdir(parents=True, exist_ok=True)
    left = []
    for path in sorted(work.iterdir()):
        if path.suffix == _SUFFIX:
            left.append(path)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    return left


async def rescue(folders: Sequence[Path], store: ObjectStore) -> None:
    """Store what lies in folders that `cleared` has answered, as parts of their streams' recordings.

    What cannot be played, or is of a stream of which nothing is kept any more, goes. What the store does not take stays
    for the next process.
    """
    for folder in folders:
        stream = folder.name.partition(".")[0]
        for path in sorted(folder.glob("*.mp4"), key=lambda one: one.stat().st_mtime):
            try:
                kept = await _kept(path, stream, store)
            except Unavailable as error:
                log.warning("recording not stored", files=[str(path)], detail=str(error))
                continue
            log.info("recording of a process that was killed", session=stream, stored=kept)
            path.unlink()
        with contextlib.suppress(OSError):  # something was not stored
            folder.rmdir()


async def _kept(path: Path, stream: str, store: ObjectStore) -> bool:
    """Whether the store has it now. Raises Unavailable."""
    if not await asyncio.to_thread(has_pictures, path) or not await _keys(stream, store):
        return False
    stored: list[str] = []

    async def put() -> None:
        stored.append(await keep_recording(store, stream, path))

    await insisted(put)
    if await _keys(stream, store) - set(stored):
        return True
    await store.remove(stream_key(stream))  # somebody has removed the stream meanwhile
    return False


async def _keys(stream: str, store: ObjectStore) -> set[str]:
    """All that is kept of a stream: while it runs at least that it does."""
    return {one.key async for one in store.listed(stream_key(stream))}
