"""Puts what outputs make into the object store: from the threads of outlets, in the event loop."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import CancelledError
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from services.render.outputs.outlet import Notice
    from services.render.outputs.playlist import Playlist
    from services.render.outputs.segments import Segment
    from shared.transport.store import ObjectStore

PLAYLIST: Final = "index.m3u8"
SEGMENTS_WAITING: Final = 4
"""Segments that wait for the store, at most; what comes then is lost."""
PAUSES: Final = (0.2, 1.0, 3.0)
"""Seconds between tries to store something."""
BEHIND: Final = ("hls-behind", "The object store does not take segments fast enough: the HLS stream lacks some.")


def hls_key(stream: str, name: str = "") -> str:
    """Where the objects of a stream's HLS lie; without a name all of them."""
    return f"streams/{stream}/hls/{name}".rstrip("/")


def stream_key(stream: str) -> str:
    """Where all lies that is kept of a stream."""
    return f"streams/{stream}"


def recording_key(stream: str, name: str) -> str:
    """Where a stream's recording lies; name: `part_name`."""
    return f"{stream_key(stream)}/{name}"


def mark_key(stream: str) -> str:
    """What says that a stream has a recording, from its beginning on: who removes the stream removes it as well."""
    return f"{stream_key(stream)}/recording"


def part_name(number: int) -> str:
    """`record.mp4`, `record-2.mp4`, ...: another encoder, sound that comes later, or another session begins another."""
    return "record.mp4" if number == 1 else f"record-{number}.mp4"


def recording_keeper(
    store: ObjectStore, stream: str, loop: asyncio.AbstractEventLoop, turn: asyncio.Lock
) -> Callable[[Path], None]:
    """What a stream's recorders hand their files to: waits, in a recorder's thread, until the store has one.

    Each gets the first name that nothing lies under, from earlier sessions of the stream either. turn: of all who give
    names to the stream's in this process; that another one does so at the same moment is not looked for.
    Raises Unavailable.
    """

    async def put(path: Path) -> None:
        async with turn:
            await keep_recording(store, stream, path)

    def keep(path: Path) -> None:
        asyncio.run_coroutine_threadsafe(insisted(partial(put, path)), loop).result()

    return keep


async def keep_recording(store: ObjectStore, stream: str, path: Path) -> str:
    """Store a file under the first name that nothing lies under; answers its key. Raises Unavailable."""
    numbers = count(1)
    while await store.exists(key := recording_key(stream, part_name(next(numbers)))):
        pass
    await store.put(key, path)
    return key


async def insisted(ask: Callable[[], Awaitable[object]]) -> None:
    """Ask the store, and again after each of the pauses. Raises Unavailable if it will not."""
    for pause in PAUSES:
        try:
            await ask()
        except Unavailable:
            await asyncio.sleep(pause)
        else:
            return
    await ask()


class HlsShelf:
    """Keeps the playlist of one stream and its segments in the object store."""

    def __init__(
        self, store: ObjectStore, stream: str, playlist: Playlist, notice: Notice, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Works in that loop; may be made in any thread."""
        self._store, self._stream, self._playlist, self._notice = store, stream, playlist, notice
        self._loop = loop
        self._waiting: asyncio.Queue[Segment | None] = asyncio.Queue()
        self._inits: set[str] = set()
        self._behind = self._gap = self._over = False
        self._is_published = True
        self._leaves_at = math.inf
        self._work_done = asyncio.run_coroutine_threadsafe(self._work(), loop)

    def put(self, segment: Segment) -> None:
        """From any thread: a segment is there."""
        self._loop.call_soon_threadsafe(self._take, segment)

    def close(self, *, over: bool) -> None:
        """From any thread but the loop's: nothing follows; waits until all is stored. Raises Unavailable if aborted.

        over: the playlist says so; players never ask for it again then. Else the stream may go on elsewhere: after as
        long as it takes to make a segment the playlist is left to whoever does that.
        """
        self._over = over
        if not over:
            self._leaves_at = self._loop.time() + self._playlist.target_seconds
        self._loop.call_soon_threadsafe(self._waiting.put_nowait, None)
        try:
            self._work_done.result()
        except CancelledError:
            raise Unavailable("The object store has not taken the end of the HLS stream in time.") from None

    def abort(self) -> None:
        """From any thread: wait no longer."""
        self._work_done.cancel()

    def _take(self, segment: Segment) -> None:
        if self._waiting.qsize() >= SEGMENTS_WAITING:
            self._gap = True
            self._tell_of_loss()
            return
        self._waiting.put_nowait(segment._replace(discontinuity=True) if self._gap else segment)
        self._gap = False

    def _tell_of_loss(self) -> None:
        if not self._behind:
            self._behind = True
            self._notice(*BEHIND)

    async def _work(self) -> None:
        while (segment := await self._waiting.get()) is not None:
            if await self._stored(segment):
                await self._publish(self._playlist.add(segment))
                self._behind = False
            else:
                self._playlist.skip()
                self._tell_of_loss()
        if self._over:
            self._playlist.end()
        if self._over or not self._is_published:
            await self._publish(())

    async def _stored(self, segment: Segment) -> bool:
        """Store a segment and, before it, a head that is new; False if the store will not."""
        if segment.init.name not in self._inits and await self._put(segment.init.name, segment.init.body):
            self._inits.add(segment.init.name)
        return segment.init.name in self._inits and await self._put(segment.name, segment.body)

    async def _publish(self, gone: tuple[str, ...]) -> None:
        """The playlist, which names only what is there; then what it names no more goes."""
        if self._loop.time() > self._leaves_at:
            return
        self._is_published = await self._put(PLAYLIST, self._playlist.text.encode())
        if not self._is_published:
            return  # the next segment brings it
        for name in gone:
            await self._tried(partial(self._store.remove, hls_key(self._stream, name)))

    async def _put(self, name: str, body: bytes) -> bool:
        return await self._tried(partial(self._store.put, hls_key(self._stream, name), body))

    async def _tried(self, ask: Callable[[], Awaitable[object]]) -> bool:
        try:
            await insisted(ask)
        except Unavailable:
            return False
        return True
