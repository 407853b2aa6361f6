"""Makes what a live session's outputs want: shelves in the object store, checked connections, files."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from services.render.outputs.hls import HlsOutlet
from services.render.outputs.outlets import Outlets
from services.render.outputs.playlist import Playlist
from services.render.outputs.push import RtmpPusher
from services.render.outputs.record import Recorder
from services.render.outputs.shelf import HlsShelf, recording_keeper
from shared.model.live import HlsOutput, LiveNoticed, RtmpOutput

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from services.render.outputs.outlet import Outlet
    from services.render.outputs.rtmp import RtmpPlace
    from shared.model.live import Output
    from shared.transport.dialing import Dialer
    from shared.transport.store import ObjectStore


class OutputRoom:
    """Where all sessions of a worker have their outputs made."""

    def __init__(self, store: ObjectStore, dialer: Dialer, work: Path) -> None:
        """dialer: connects to where streams are pushed. work: for recordings while they are made."""
        self._store, self._dialer, self._work = store, dialer, work
        self._loop = asyncio.get_running_loop()

    def outlets(self, session: str, emit: Callable[[LiveNoticed], None]) -> Outlets:
        """The fan of one session. emit: takes what is to be told, from any thread."""

        def notice(kind: str, detail: str) -> None:
            emit(LiveNoticed(kind=kind, detail=detail))

        def build(output: Output) -> Outlet:
            return self._outlet(session, output, notice)

        return Outlets(build, notice)

    def _outlet(self, session: str, output: Output, notice: Callable[[str, str], None]) -> Outlet:
        if isinstance(output, HlsOutput):
            playlist = Playlist(output.segment_seconds, output.window)
            shelf = HlsShelf(self._store, session, playlist, notice, self._loop)
            return HlsOutlet(output, shelf, secrets.token_hex(4), time.time)
        if isinstance(output, RtmpOutput):
            return RtmpPusher(output.url, self._connected, notice)
        keep = recording_keeper(self._store, session, self._loop)
        return Recorder(self._work / f"{session}-record", output.max_seconds, keep, notice)

    def forget(self, session: str) -> None:
        """Remove what a session has left of work files."""
        shutil.rmtree(self._work / f"{session}-record", ignore_errors=True)

    def _connected(self, place: RtmpPlace, seconds: float) -> socket.socket:
        """From an outlet's thread: a blocking socket to a checked address."""
        connecting = asyncio.run_coroutine_threadsafe(self._dialer.connect(place.host, place.port), self._loop)
        try:
            connected = connecting.result(seconds)
        except TimeoutError:
            connecting.cancel()
            raise
        connected.settimeout(seconds)
        if not place.secure:
            return connected
        try:
            return self._dialer.tls.wrap_socket(connected, server_hostname=place.host)
        except BaseException:
            connected.close()
            raise
