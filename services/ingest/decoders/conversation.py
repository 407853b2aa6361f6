"""The parent's end of a decoder's socket. It runs for every frame, and the other end may be hostile."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import deque
from typing import TYPE_CHECKING, Self, cast

import msgspec

from services.ingest.messages.decoder import framed, unpack_reply

if TYPE_CHECKING:
    import socket

    from services.ingest.messages.decoder import Reply, Request

_LENGTH = struct.Struct("<I")
_MOST_FIRST_BYTES, MOST_LATER_BYTES = 8 << 20, 1 << 16
"""StillOpened, a first reply, may bring a colour profile (4 MiB); the others are small."""
_MOST_WAITING, _MOST_WAITING_BYTES = 64, 4 << 20
"""Replies that wait here before the child's socket is left to fill up."""


class Conversation(asyncio.Protocol):
    """Replies in order; a failure after all that came before it."""

    def __init__(self, most_later_bytes: int = MOST_LATER_BYTES) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._most_bytes, self._most_later_bytes = max(_MOST_FIRST_BYTES, most_later_bytes), most_later_bytes
        self._replies: deque[Reply] = deque()
        self._sizes: deque[int] = deque()
        self._waiting_bytes = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self.heard_at = self._loop.time()
        """When the child last said something, by the loop's clock."""

    @classmethod
    async def over(cls, connection: socket.socket, most_later_bytes: int = MOST_LATER_BYTES) -> Self:
        """A conversation over a connected socket, which it closes in the end. most_later_bytes: of a reply."""
        loop = asyncio.get_running_loop()
        _, conversation = await loop.create_unix_connection(lambda: cls(most_later_bytes), sock=connection)
        return conversation

    def say(self, message: Request) -> None:
        """Send a message; it never blocks."""
        self._transport.write(framed(message))

    async def tell(self, message: Request) -> None:
        """Send a message once the child has taken most of those before it. Raises EOFError when the child has gone."""
        await self._writable.wait()
        if self._failure is not None:
            raise EOFError("The child has gone.")
        self.say(message)

    async def hear(self) -> Reply:
        """The next reply.

        Raises EOFError when the child has gone, msgspec.DecodeError for what is no reply, or what `fail` was given.
        """
        while not self._replies:
            if self._failure is not None:
                raise self._failure
            self._waiter = self._loop.create_future()
            await self._waiter
        self._waiting_bytes -= self._sizes.popleft()
        few = len(self._replies) <= _MOST_WAITING // 2 and self._waiting_bytes <= _MOST_WAITING_BYTES // 2
        if self._paused and few:
            self._paused = False
            self._transport.resume_reading()
        return self._replies.popleft()

    def hand_over(self) -> int:
        """A file descriptor of the connection, from which somebody else hears from now on; the caller's to close."""
        self._paused = True
        self._transport.pause_reading()
        return os.dup(self._transport.get_extra_info("socket").fileno())

    def fail(self, failure: Exception) -> None:
        """Nothing more is to be heard; the first failure counts."""
        self._failure = self._failure or failure
        self._writable.set()
        self._wake()

    def close(self) -> None:
        """Close the socket."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's call."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  -- asyncio's signature
        """asyncio's call."""
        self.fail(EOFError("The child has gone."))

    def pause_writing(self) -> None:
        """asyncio's call."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """asyncio's call."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """asyncio's call."""
        self.heard_at = self._loop.time()
        self._buffer += data
        try:
            self._unpack()
        except msgspec.DecodeError as error:
            self.fail(error)
            self._transport.abort()
        many = len(self._replies) > _MOST_WAITING or self._waiting_bytes > _MOST_WAITING_BYTES
        if many and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def _unpack(self) -> None:
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if length > self._most_bytes:
                raise msgspec.DecodeError(f"a reply of {length} bytes")
            end = start + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            self._replies.append(unpack_reply(bytes(self._buffer[start + _LENGTH.size : end])))
            self._sizes.append(length)
            self._waiting_bytes += length
            self._most_bytes = self._most_later_bytes
            start = end
        del self._buffer[:start]

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
