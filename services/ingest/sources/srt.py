"""SRT in ingest: which program speaks it, and the datagrams between it and the source's own host and port."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING

from services.ingest.messages.source import SourceBytes, SourceEnded
from shared.model.addresses import REFUSED
from shared.model.errors import Rejected, VisavisError

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from shared.model.addresses import RemoteUrl
    from shared.transport.dialing import Dialer

_MOST_DATAGRAM_BYTES = 1 << 16
_LOOK_SECONDS = 20


@cache
def find_program(named: str) -> str:
    """A command line of FFmpeg that has SRT: the one named, else that of imageio-ffmpeg, else the system's. Blocks.

    Raises Rejected (`source-refused`) where there is none.
    """
    for program in [named] if named else [_packaged(), shutil.which("ffmpeg") or ""]:
        if program and _has_srt(program):
            return program
    where = f"{named} has none" if named else "there is no FFmpeg with SRT here"
    raise Rejected(
        REFUSED, f"srt:// is not read: {where}. Install visavis[srt] or a package ffmpeg, or set source_srt_program."
    )


def _packaged() -> str:
    try:
        import imageio_ffmpeg  # noqa: PLC0415  -- an extra
    except ImportError:
        return ""
    program: str = imageio_ffmpeg.get_ffmpeg_exe()
    return program


def _has_srt(program: str) -> bool:
    command = [program, "-hide_banner", "-protocols"]
    try:
        said = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_LOOK_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return False
    return b"srt" in said.stdout.split()


class SourceDatagrams:
    """As SourceLines: one line, of datagrams. What cannot be sent at once is lost, and SRT sends it again."""

    def __init__(
        self,
        url: RemoteUrl,
        dialer: Dialer,
        tell: Callable[[SourceBytes | SourceEnded], Awaitable[None]],
        fail: Callable[[Exception], None],
    ) -> None:
        """tell: takes what the server says, and may let its caller wait. fail: is told why there is no way to it."""
        self._url, self._dialer, self._tell, self._fail = url, dialer, tell, fail
        self._task: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    def open(self, line: int) -> None:
        """Begin. Raises ValueError for a second line."""
        if self._task is not None:
            raise ValueError(f"line {line} is one too many")
        self._task = asyncio.create_task(self._carry(line))

    def say(self, line: int, body: bytes) -> None:
        """Send one datagram. Raises ValueError for no line."""
        if self._task is None:
            raise ValueError(f"there is no line {line}")
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.send(body)

    def end(self, line: int) -> None:
        """Raises ValueError: who has no connection cannot close it."""
        raise ValueError(f"line {line} has no end")

    async def close(self) -> None:
        """End it; returns when no task is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _carry(self, line: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._socket = await self._dialer.connect_datagrams(self._url.host, self._url.port)
            while True:
                try:
                    body = await loop.sock_recv(self._socket, _MOST_DATAGRAM_BYTES)
                except ConnectionRefusedError:
                    continue  # nobody listens there yet; who asks is told so when the handshake has failed
                await self._tell(SourceBytes(body, line))
        except VisavisError as error:
            self._fail(error)
        except EOFError:
            return  # the child has gone
        finally:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
