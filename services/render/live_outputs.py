"""What the outputs of all live sessions of a worker share: the object store, checked connections, a folder."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from services.render.outputs.making import OutletMaker
from services.render.outputs.outlets import Outlets
from services.render.rescuing import recording_folder, rescue
from shared.model.live import LiveNoticed
from shared.runtime.logs import log

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.render.outputs.rtmp import RtmpPlace
    from shared.transport.dialing import Dialer
    from shared.transport.store import ObjectStore


class OutputRoom:
    """Makes the fans of sessions."""

    def __init__(self, store: ObjectStore, dialer: Dialer, work: Path) -> None:
        """dialer: connects to where streams are pushed. work: for recordings while they are made."""
        self._store, self._dialer, self._work = store, dialer, work
        self._loop = asyncio.get_running_loop()
        self._turns = WeakValueDictionary[str, asyncio.Lock]()

    def outlets(
        self, session: str, emit: Callable[[LiveNoticed], None], *, stream: str = "", resumed: bool = False
    ) -> Outlets:
        """The fan of one session. emit: takes what is to be told, from any thread.

        stream: what is kept is kept under that name, which outlives its sessions; empty: under the session's.
        """

        def notice(kind: str, detail: str) -> None:
            emit(LiveNoticed(kind=kind, detail=detail))

        kept = stream or session
        folder = recording_folder(self._work, kept, session)
        return Outlets(
            OutletMaker(kept, self._store, self._loop, folder, self._connected, notice, self._turn(kept), resumed),
            notice,
        )

    async def rescue(self, folders: Sequence[Path]) -> None:
        """As `rescuing.rescue`, in turn with what is recorded now."""
        await rescue(folders, self._store, self._turn)

    def _turn(self, stream: str) -> asyncio.Lock:
        """Of all who give names to one stream's recordings."""
        return self._turns.setdefault(stream, asyncio.Lock())

    def tell_of_rests(self, session: str, stream: str = "") -> None:
        """Say where a recording lies that the object store has not taken; the worker that is next there tries again."""
        rests = [str(path) for path in recording_folder(self._work, stream or session, session).glob("*")]
        if rests:
            log.warning("recording not stored", session=session, files=rests)

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
