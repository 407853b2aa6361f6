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
    from collections.abc import Callable, Sequence
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


async def rescue(folders: Sequence[Path], store: ObjectStore, turn: Callable[[str], asyncio.Lock]) -> None:
    """Store what lies in folders that `cleared` has answered, as parts of their streams' recordings.

    What cannot be played, or is of a stream that somebody has removed, goes. What the store does not take now, or the
    disk does not give, stays for the next process. turn: of a stream, as `recording_keeper` has it.
    """
    for folder in folders:
        stream = folder.name.partition(".")[0]
        for path in sorted(folder.glob("*.mp4"), key=lambda one: one.stat().st_mtime):
            try:
                await _rescue(path, stream, store, turn(stream))
            except (Unavailable, OSError) as error:
                log.warning("recording not stored", stream=stream, files=[str(path)], detail=str(error))
        with contextlib.suppress(OSError):  # something was not stored
            folder.rmdir()


async def _rescue(path: Path, stream: str, store: ObjectStore, turn: asyncio.Lock) -> None:
    """One file, which is gone afterwards. Raises Unavailable and OSError, and leaves it then."""
    if not await asyncio.to_thread(has_pictures, path):
        log.warning("recording without a key frame", stream=stream)
        await asyncio.to_thread(path.unlink)
        return
    if not await _is_kept(stream, store):
        log.warning("recording of a stream that was removed", stream=stream)
        await asyncio.to_thread(path.unlink)
        return
    stored: list[str] = []

    async def put() -> None:
        async with turn:
            stored.append(await keep_recording(store, stream, path))
            path.unlink()  # noqa: ASYNC240  -- at once, so that it is not stored again

    await insisted(put)
    log.info("recording of a process that was killed", stream=stream, key=stored[0])
    with contextlib.suppress(Unavailable):  # nothing says that it was removed
        if not await _is_kept(stream, store, beside=stored[0]):
            await store.remove(stored[0])  # somebody has removed the stream meanwhile


async def _is_kept(stream: str, store: ObjectStore, *, beside: str = "") -> bool:
    """Whether anything is kept of a stream, its mark as well (`mark_key`): who removes it removes all."""
    return bool({one.key async for one in store.listed(stream_key(stream))} - {beside})
