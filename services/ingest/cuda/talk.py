"""A stream's two connections as the card decoder sees them."""

from __future__ import annotations

import contextlib
import select
import struct
from typing import TYPE_CHECKING

import msgspec

from services.ingest.cuda.decoder import CardRefused
from services.ingest.messages.coded import MOST_PACKET_BYTES, CodedEnded, CodedPacket
from services.ingest.messages.decoder import CodedFrame, Refused, SlotGrant, framed, receive_request, unpack_reply

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from services.ingest.messages.decoder import Reply

_LENGTH = struct.Struct("<I")
_SLACK_BYTES = 4096
"""What a packet's message has besides its body, and more."""


class SourceGone(Exception):  # noqa: N818  -- an outcome, see shared.model.errors.Rejected
    """The child that reads the file ended without a word."""


class SourceRefused(Exception):  # noqa: N818  -- an outcome, see shared.model.errors.Rejected
    """The child refuses the file."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.detail)
        self.refused = refused


class StreamTalk:
    """Blocking, in the hands of one thread."""

    def __init__(self, ingest: socket.socket, source: socket.socket, silence_seconds: float) -> None:
        """source: the child's, who may be hostile and may be silent for `silence_seconds`."""
        self._ingest, self._source = ingest, source
        self._has_ended = False
        source.settimeout(silence_seconds)

    def packets(self) -> Iterator[CodedPacket | CodedEnded]:
        """The packets, and at last what of the file could not be read.

        Raises SourceGone, SourceRefused, or CardRefused for what is no message of a child's.
        """
        number = 0
        while True:
            reply = self._next()
            match reply:
                case CodedPacket() if reply.number == number:
                    number += 1
                    yield reply
                case CodedEnded():
                    yield reply
                    return
                case Refused():
                    raise SourceRefused(reply)
                case _:
                    raise CardRefused("The process that reads the file sent something else than its packets in order.")

    def grant(self) -> SlotGrant:
        """The next slot that may be written. Raises EOFError when ingest has no more use for the stream."""
        try:
            request = receive_request(self._ingest)
        except ConnectionResetError as error:
            raise EOFError("Ingest has hung up.") from error
        if not isinstance(request, SlotGrant):
            raise TypeError("something else than a grant")
        return request

    def say(self, reply: Reply) -> None:
        """Tell ingest. Raises EOFError when it has no more use for the stream."""
        try:
            self._ingest.sendall(framed(reply))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError("Ingest has hung up.") from error

    def tell(self, last: Reply) -> None:
        """As `say`, if ingest still listens."""
        with contextlib.suppress(EOFError):
            self.say(last)

    def wait(self) -> None:
        """Until ingest has hung up: to close while grants come would lose what was told last."""
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                receive_request(self._ingest)

    def heard(self) -> Iterator[SlotGrant | CodedFrame | CodedEnded]:
        """Wait for something of a live stream's; what has come by now, at most one of each connection.

        Raises as `packets` and `grant` do.
        """
        poll = select.poll()
        for connection in (self._ingest, *(() if self._has_ended else (self._source,))):
            poll.register(connection, select.POLLIN)
        ready = {fd for fd, _ in poll.poll()}
        if self._ingest.fileno() in ready:
            yield self.grant()
        if self._source.fileno() in ready:
            reply = self._next()
            match reply:
                case CodedFrame():
                    yield reply
                case CodedEnded():
                    self._has_ended = True
                    yield reply
                case Refused():
                    raise SourceRefused(reply)
                case _:
                    raise CardRefused("The process that reads the stream sent something else than its packets.")

    def close(self) -> None:
        """Hang up."""
        self._ingest.close()
        self._source.close()

    def _next(self) -> Reply:
        (length,) = _LENGTH.unpack(self._receive(_LENGTH.size))
        if length > MOST_PACKET_BYTES + _SLACK_BYTES:
            raise CardRefused(f"The process that reads the file sent {length} bytes at once.")
        try:
            return unpack_reply(self._receive(length))
        except msgspec.DecodeError as error:
            raise CardRefused(f"The process that reads the file sent what is no message: {error}.") from error

    def _receive(self, size: int) -> bytearray:
        received = bytearray(size)
        view = memoryview(received)
        while view:
            try:
                count = self._source.recv_into(view)
            except TimeoutError as error:
                raise CardRefused("The process that reads the file fell silent.") from error
            except ConnectionResetError:
                count = 0
            if not count:
                raise SourceGone
            view = view[count:]
        return received
