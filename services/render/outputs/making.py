"""Makes the outlet of an output: the wiring of what one stream's outlets share."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from services.render.outputs.hls import HlsOutlet
from services.render.outputs.playlist import Playlist, first_number
from services.render.outputs.push import RtmpPusher
from services.render.outputs.record import Recorder
from services.render.outputs.shelf import HlsShelf, insisted, mark_key, recording_keeper
from shared.model.errors import Unavailable
from shared.model.live import HlsOutput, RecordOutput, RtmpOutput
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.render.outputs.outlet import Notice, Outlet
    from services.render.outputs.push import Connect
    from shared.model.live import Output
    from shared.transport.store import ObjectStore


@dataclass(slots=True)
class OutletMaker:
    """What `Outlets` builds with. Call it in any thread."""

    stream: str
    """The name under which its objects lie."""
    store: ObjectStore
    loop: asyncio.AbstractEventLoop
    """In which the store is used."""
    folder: Path
    """For the recording while it is written; this stream's alone."""
    connect: Connect
    """To RTMP servers."""
    notice: Notice
    turn: asyncio.Lock
    """Of all who store the stream's recordings."""
    resumed: bool = False
    """Whether the stream had outputs before, perhaps from another worker."""
    _keep: Callable[[Path], None] = field(init=False)

    def __post_init__(self) -> None:
        self._keep = recording_keeper(self.store, self.stream, self.loop, self.turn)

    def __call__(self, output: Output) -> Outlet:
        """Raises Rejected for what cannot be made."""
        match output:
            case HlsOutput():
                return self._hls(output)
            case RtmpOutput():
                return RtmpPusher(output.url, self.connect, self.notice)
            case RecordOutput():
                asyncio.run_coroutine_threadsafe(self._mark(), self.loop)
                return Recorder(self.folder, output.max_seconds, self._keep, self.notice)

    async def _mark(self) -> None:
        """What is recorded from now on can be stored by others (`rescuing`)."""
        try:
            await insisted(partial(self.store.put, mark_key(self.stream), b""))
        except Unavailable as error:
            log.warning("recording not marked", stream=self.stream, detail=str(error))

    def _hls(self, output: HlsOutput) -> HlsOutlet:
        now = time.time()
        playlist = Playlist(output.segment_seconds, output.window, first_number(now), resumed=self.resumed)
        self.resumed = True
        shelf = HlsShelf(self.store, self.stream, playlist, self.notice, self.loop)
        return HlsOutlet(output, shelf, secrets.token_hex(4), time.time)
