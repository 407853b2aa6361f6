"""nats-py's client, which leaves a server that is gone at once."""

from __future__ import annotations

from nats.aio.client import Client, Srv
from nats.aio.transport import TcpTransport


class AbruptClient(Client):
    """Gives up what a lost connection still has to send.

    nats-py (2.16) closes a connection before it looks for another server, and a connection is closed when what was
    written is sent: where a host has lost its power that is never, or when the system gives up after a quarter of an
    hour (https://github.com/nats-io/nats.py/issues/671).
    """

    def give_up(self) -> None:
        """Break the connection, if there is one; what was written and is not sent is lost."""
        # By no other name can it be had.
        writer = self._transport._io_writer if isinstance(self._transport, TcpTransport) else None  # noqa: SLF001
        if writer is not None:
            writer.transport.abort()

    async def _connect_to_server(self, s: Srv) -> None:
        self.give_up()  # the try before this one may have come as far as a connection
        await super()._connect_to_server(s)

    async def _attempt_reconnect(self) -> None:
        self.give_up()
        await super()._attempt_reconnect()
