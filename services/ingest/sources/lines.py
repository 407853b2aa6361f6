"""The parent's end of a tunnel: connections to the source's own host and port, for a child that has no network."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from services.ingest.messages.source import SourceBytes, SourceEnded
from shared.model.errors import VisavisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.model.addresses import RemoteUrl
    from shared.transport.dialing import Dialer

_CHUNK_BYTES = 1 << 16
_MOST_UNSENT_BYTES = 1 << 20
"""Of what the child says: RTMP and RTSP say little to a server that sends."""


class SourceLines:
    """Connections by their numbers. `close` ends them all."""

    def __init__(
        self,
        url: RemoteUrl,
        dialer: Dialer,
        tell: Callable[[SourceBytes | SourceEnded], Awaitable[None]],
        fail: Callable[[Exception], None],
    ) -> None:
        """tell: takes what the server says, and may let its caller wait. fail: is told why no connection came."""
        self._url, self._dialer, self._tell, self._fail = url, dialer, tell, fail
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._unsent: dict[int, bytes] = {}

    def open(self, line: int) -> None:
        """Begin to connect. Raises ValueError for a number that was there before."""
        if line in self._tasks:
            raise ValueError(f"line {line} is there already")
        self._unsent[line] = b""
        self._tasks[line] = asyncio.create_task(self._carry(line))

    def say(self, line: int, body: bytes) -> None:
        """Send it to the server, once connected. Raises ValueError for no line, or where too much waits to be sent."""
        writer = self._writers.get(line)
        if writer is not None:
            writer.write(body)
            waiting = writer.transport.get_write_buffer_size()
        elif line in self._unsent:
            self._unsent[line] += body
            waiting = len(self._unsent[line])
        elif line in self._tasks:
            return  # the server has closed it
        else:
            raise ValueError(f"there is no line {line}")
        if waiting > _MOST_UNSENT_BYTES:
            raise ValueError(f"line {line} has {waiting} bytes that nobody takes")

    def end(self, line: int) -> None:
        """The child has closed it."""
        if line in self._tasks:
            self._tasks[line].cancel()

    async def close(self) -> None:
        """End every connection; returns when no task is left."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _carry(self, line: int) -> None:
        try:
            url = self._url
            reader, writer = await self._dialer.open(url.host, url.port, encrypted=url.is_encrypted)
            self._writers[line] = writer
            writer.write(self._unsent.pop(line))
            await self._receive(reader, line)
            await self._tell(SourceEnded(line))
        except VisavisError as error:
            self._fail(error)
        except EOFError:
            return  # the child has gone
        finally:
            self._unsent.pop(line, None)
            if line in self._writers:
                self._writers.pop(line).transport.abort()

    async def _receive(self, reader: asyncio.StreamReader, line: int) -> None:
        """Until the server ends it, in whatever way: what came before is still read."""
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._tell(SourceBytes(chunk, line))
