"""Serves the REST app on a socket of our own, and stops when it is cancelled."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import uvicorn

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp

    from services.gateway.settings import GatewaySettings

BACKLOG = 1024
IDLE_SECONDS = 30
ENVELOPE_BYTES = 64 * 1024
"""What a message has beside its packet or picture, at most."""
PING_SECONDS = 20.0
PONG_SECONDS = 10.0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when it listens."""
        await super().startup(sockets)
        self.listening.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # wider than a generator's
        """Signals belong to `shared.runtime.lifecycle`."""
        return nullcontext()


class RestServer:
    """The app on its port."""

    def __init__(
        self,
        app: ASGIApp,
        settings: GatewaySettings,
        let_go: Callable[[], None],
        drained: Callable[[], Awaitable[None]],
    ) -> None:
        """Binds at once. let_go: ends answers without an end of their own; drained: returns when live streams are over.

        Raises Misconfigured for a taken port.
        """
        host, port = settings.rest_host, settings.rest_port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise Misconfigured(f"REST cannot listen on {host}:{port}: choose another port (rest_port).") from error
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=settings.stop_seconds,
                ws="websockets-sansio",
                ws_max_size=settings.max_live_packet_bytes + ENVELOPE_BYTES,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PONG_SECONDS,
                ws_per_message_deflate=False,  # what is coded is small already
            )
        )
        self._let_go = let_go
        self._drained = drained
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen."""
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({self._serving, listening}, return_when=asyncio.FIRST_COMPLETED)

    async def run(self) -> None:
        """Serve until cancelled; then let requests end."""
        assert self._serving is not None  # noqa: S101  -- start() comes first
        try:
            await asyncio.shield(self._serving)
        finally:
            self._let_go()
            for server in self._server.servers:
                server.close()  # nobody new; those who are here go on
            await self._drained()
            self._server.should_exit = True  # ends WebSockets at once
            await self._serving
