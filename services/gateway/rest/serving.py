"""Serves the REST app on a socket of our own, and stops when it is cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvicorn

from shared.runtime.listening import Listener, bound

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
        self._socket, self.url = bound(settings.rest_host, settings.rest_port, "REST", "rest_port")
        self._server = Listener(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                forwarded_allow_ips=settings.trusted_proxies,
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
        self._serving = await self._server.listen(self._socket)

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
