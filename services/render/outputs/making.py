"""Makes the outlet of an output: the wiring of what one stream's outlets share."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.render.outputs.hls import HlsOutlet
from services.render.outputs.playlist import Playlist, first_number
from services.render.outputs.push import RtmpPusher
from services.render.outputs.record import Recorder
from services.render.outputs.shelf import HlsShelf, recording_keeper
from shared.model.live import HlsOutput, RecordOutput, RtmpOutput

if TYPE_CHECKING:
    import asyncio
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
    resumed: bool = False
    """Whether the stream had outputs before, perhaps from another worker."""
    _keep: Callable[[Path], None] = field(init=False)

    def __post_init__(self) -> None:
        self._keep = recording_keeper(self.store, self.stream, self.loop)

    def __call__(self, output: Output) -> Outlet:
        """Raises Rejected for what cannot be made."""
        match output:
            case HlsOutput():
                return self._hls(output)
            case RtmpOutput():
                return RtmpPusher(output.url, self.connect, self.notice)
            case RecordOutput():
                return Recorder(self.folder, output.max_seconds, self._keep, self.notice)

    def _hls(self, output: HlsOutput) -> HlsOutlet:
        now = time.time()
        playlist = Playlist(output.segment_seconds, output.window, first_number(now), resumed=self.resumed)
        self.resumed = True
        shelf = HlsShelf(self.store, self.stream, playlist, self.notice, self.loop)
        return HlsOutlet(output, shelf, secrets.token_hex(4), time.time)
