"""Reading from and posting to hosts that somebody outside has named, over HTTP. Every connection goes through a Dialer,
so that each host of each redirect is checked when it is connected to; redirects are followed here, by hand.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import unquote, urljoin, urlsplit

import httpcore

from shared.model.addresses import REFUSED, read_url
from shared.model.errors import Rejected, Unavailable

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator, Iterable, Mapping
    from types import TracebackType

    from shared.model.addresses import RemoteUrl
    from shared.transport.dialing import Dialer

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FORBIDDEN = frozenset({401, 403, 451})
_CHUNK_BYTES = 1 << 16


class Answer:
    """What came for a GET: where it came from in the end, and its body in pieces."""

    def __init__(self, url: RemoteUrl, response: httpcore.Response, most_bytes: int) -> None:
        self.url, self._response, self._most_bytes = url, response, most_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, in pieces of up to 64 KiB.

        Raises Rejected (`source-refused`) where there is more than wanted, Unavailable where it breaks off.
        """
        read = 0
        with _told(self.url):
            async for chunk in self._response.aiter_stream():
                read += len(chunk)
                if read > self._most_bytes:
                    raise Rejected(REFUSED, f"{self.url.place} sends more than {self._most_bytes} bytes in one file.")
                for start in range(0, len(chunk), _CHUNK_BYTES):
                    yield chunk[start : start + _CHUNK_BYTES]

    async def body(self) -> bytes:
        """All of it. Raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks()])


class Reply(NamedTuple):
    """What came for a POST, its body left aside."""

    status: int
    headers: dict[str, str]
    """By name, in small letters."""


class Fetcher:
    """Reads files and posts over HTTP/1.1. An asynchronous context: on leaving it every connection is closed."""

    def __init__(self, dialer: Dialer, *, schemes: tuple[str, ...], silence_seconds: float, redirects: int = 5) -> None:
        """schemes: where redirects may lead, of `http` and `https`. silence_seconds: without a byte for so long a
        server is given up. redirects: so many in a row at most.
        """
        self._dialer, self._schemes = dialer, schemes
        self._silence_seconds, self._redirects = silence_seconds, redirects

    async def __aenter__(self) -> Self:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=self._dialer.tls, network_backend=_Checked(self._dialer), max_connections=4, keepalive_expiry=30
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()

    @contextlib.asynccontextmanager
    async def get(self, url: RemoteUrl, most_bytes: int, span: tuple[int, int] | None = None) -> AsyncIterator[Answer]:
        """Ask for a file. most_bytes: of its body. span: first byte and number of bytes, where not all is wanted.

        Raises Rejected (`source-refused`) for what leads where it must not, or what the server forbids; Unavailable for
        any other failure.
        """
        for _ in range(self._redirects + 1):
            async with contextlib.AsyncExitStack() as stack:
                with _told(url):
                    asked = self._pool.stream("GET", url.text, headers=_headers(url, span), extensions=self._patience)
                    response = await stack.enter_async_context(asked)
                if response.status not in _REDIRECTS:
                    _check_status(url, response.status, partial=span is not None)
                    yield Answer(url, response, most_bytes)
                    return
                url = read_url(_redirected(url, response), self._schemes)
        raise Rejected(REFUSED, f"{url.place} redirects more than {self._redirects} times (source_redirects).")

    async def post(self, url: RemoteUrl, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send a body. No redirect is followed, and of the answer only its head is read. Raises as `get` does."""
        named = [*_headers(url, None), *headers.items()]
        with _told(url):
            async with self._pool.stream(
                "POST", url.text, headers=named, content=body, extensions=self._patience
            ) as response:
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return Reply(response.status, found)

    @property
    def _patience(self) -> dict[str, Any]:
        seconds = self._silence_seconds
        return {"timeout": {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}}


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects by a Dialer."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  -- httpcore's signature; the dialer has its own bound
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(self._dialer, await self._dialer.connect(host, port))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A connected socket, which becomes a stream once it is known whether it is to be encrypted."""

    def __init__(self, dialer: Dialer, connected: socket.socket) -> None:
        self._dialer = dialer
        self._socket: socket.socket | None = connected
        self._made: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        reader, _ = await self._streams()
        try:
            async with asyncio.timeout(timeout):
                return await reader.read(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        _, writer = await self._streams()
        try:
            async with asyncio.timeout(timeout):
                writer.write(buffer)
                await writer.drain()
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:
            raise httpcore.WriteError from error

    async def aclose(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._made is not None:
            self._made[1].transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002  -- it is the dialer's
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        await self._streams(server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        """Whether an idle connection has been closed by the server."""
        if info == "is_readable":
            return self._made is not None and (self._made[0].at_eof() or self._made[1].is_closing())
        return None

    async def _streams(self, tls_name: str | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._made is None:
            connected, self._socket = self._socket, None
            if connected is None:
                raise httpcore.ReadError("The connection is closed.")
            self._made = await self._dialer.stream_over(connected, tls_name)
        return self._made


def _headers(url: RemoteUrl, span: tuple[int, int] | None) -> list[tuple[str, str]]:
    headers = [
        ("Host", url.authority), ("User-Agent", "visavis"), ("Accept", "*/*"), ("Accept-Encoding", "identity"),
    ]  # fmt: skip
    parts = urlsplit(url.text)
    if parts.username is not None:
        words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers.append(("Authorization", "Basic " + base64.b64encode(words.encode()).decode("ascii")))
    if span is not None:
        headers.append(("Range", f"bytes={span[0]}-{span[0] + span[1] - 1}"))
    return headers


def _redirected(url: RemoteUrl, response: httpcore.Response) -> str:
    location = {name.lower(): value for name, value in response.headers}.get(b"location")
    if not location:
        raise Rejected(REFUSED, f"{url.place} redirects to nowhere.")
    return urljoin(url.text, location.decode("latin-1"))


def _check_status(url: RemoteUrl, status: int, *, partial: bool) -> None:
    if status in _FORBIDDEN:
        raise Rejected(REFUSED, f"{url.place} refuses to be read (HTTP {status}).")
    if status != (206 if partial else 200):
        raise Unavailable(f"{url.place} answers with HTTP {status}.")


@contextlib.contextmanager
def _told(url: RemoteUrl) -> Any:
    """What goes wrong in HTTP, without a path or query in it."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise Unavailable(f"{url.place} broke off: {type(error).__name__}.") from error
    except (httpcore.UnsupportedProtocol, UnicodeError, ValueError) as error:
        raise Rejected(REFUSED, f"{url.place} cannot be asked for that path.") from error
