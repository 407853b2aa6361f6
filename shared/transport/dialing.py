"""Connecting to hosts that somebody outside has named: every address is checked, and a checked one is connected to.

A name is looked up once. What was checked is what is connected to, so that a name which answers otherwise the next time
(DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

import certifi

from shared.model.addresses import REFUSED, may_connect
from shared.model.errors import Rejected, Unavailable
from shared.model.variables import variable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.model.addresses import Network

    Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
    """(host, port) -> addresses, in the order in which to try them; raises OSError."""

_MOST_ADDRESSES = 16
_STREAM_BYTES = 1 << 18
"""What a reader holds before its socket is left to fill up."""
_DATAGRAM_BYTES = 1 << 21
"""What the kernel keeps of datagrams that nobody has read yet, where it lets us have so much."""


class Dialer:
    """Makes connections to public addresses, and to those of networks that are allowed besides."""

    def __init__(
        self,
        allowed: tuple[Network, ...] = (),
        *,
        setting: str = "source_networks",
        seconds: float = 10.0,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """allowed: networks for which nothing is refused, as `setting` has them. seconds: to look up and to connect."""
        self._allowed, self._variable, self._seconds = allowed, variable(setting), seconds
        self._resolve = resolve or _look_up
        self._tls = tls

    @property
    def tls(self) -> ssl.SSLContext:
        """Verifies certificate and host name."""
        return self._tls or _verifying()

    async def connect(self, host: str, port: int) -> socket.socket:
        """A connected, non-blocking socket.

        Raises Rejected (`source-refused`) where one of the addresses is not public, Unavailable where none answers.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._first_connected(await self._checked(host, port), host, port)
        except TimeoutError:
            raise Unavailable(f"{host} does not answer within {self._seconds:g} seconds.") from None

    async def connect_datagrams(self, host: str, port: int) -> socket.socket:
        """A non-blocking UDP socket that hears one checked address only. Whether anybody is there is not known.

        Raises as `connect` does.
        """
        try:
            async with asyncio.timeout(self._seconds):
                address = (await self._checked(host, port))[0]
                made = await _connected(address, port, socket.SOCK_DGRAM)
        except TimeoutError:
            raise Unavailable(f"{host} cannot be looked up within {self._seconds:g} seconds.") from None
        except OSError as error:
            raise Unavailable(f"{host} cannot be reached: {_reason(error)}.") from error
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _DATAGRAM_BYTES)
        return made

    async def open(self, host: str, port: int, *, encrypted: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A stream over a new connection. encrypted: with TLS, verified. Raises as `connect` does."""
        return await self.stream_over(await self.connect(host, port), host if encrypted else None)

    async def stream_over(
        self, connected: socket.socket, tls_name: str | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A stream over a connected socket, which is closed with it. Raises Unavailable where no TLS comes about.

        tls_name: whose certificate is wanted; None: no TLS.
        """
        context = self.tls if tls_name is not None else None
        try:
            return await asyncio.open_connection(
                sock=connected,
                ssl=context,
                server_hostname=tls_name,
                ssl_handshake_timeout=self._seconds if context else None,
                limit=_STREAM_BYTES,
            )
        except (OSError, TimeoutError) as error:
            connected.close()
            sought = "No connection" if tls_name is None else f"No encrypted connection to {tls_name}"
            raise Unavailable(f"{sought}: {_reason(error)}.") from error
        except BaseException:
            connected.close()
            raise

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            found = _literal(host) or (await self._resolve(host, port))[:_MOST_ADDRESSES]
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"{host} cannot be looked up: {_reason(error)}.") from error
        if not found:
            raise Unavailable(f"{host} has no address.")
        if not all(may_connect(ip_address(address), self._allowed) for address in found):
            raise Rejected(
                REFUSED, f"{host} has an address that is not public; {self._variable} lists networks that are allowed."
            )
        return found

    async def _first_connected(self, addresses: Sequence[str], host: str, port: int) -> socket.socket:
        why = ""
        for address in addresses:
            try:
                async with asyncio.timeout(self._seconds / len(addresses)):
                    return await _connected(address, port)
            except TimeoutError:
                why = "it does not answer"
            except OSError as error:
                why = _reason(error)
        raise Unavailable(f"{host} cannot be connected to: {why}.")


async def _connected(address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """To a numeric address: nothing is looked up here."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind)
    with contextlib.ExitStack() as stack:
        stack.callback(made.close)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
        if kind is socket.SOCK_STREAM:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stack.pop_all()
    return made


def _literal(host: str) -> Sequence[str]:
    """The host, where it is an address and no name."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        return []


async def _look_up(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@cache
def _verifying() -> ssl.SSLContext:
    """The system's certificates, and those that come with Python packages where a slim system has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _reason(error: Exception) -> str:
    """What the system says, without what was connected to."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno is not None:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or type(error).__name__
