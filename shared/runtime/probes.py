"""What is asked of a lane's service over HTTP: does it live, is it ready, what does it measure."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from shared.runtime.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from shared.runtime.settings import LaneSettings

STOP_SECONDS = 1
STARTING = "It is starting."
_TEXT = "text/plain; charset=utf-8"


class Probes:
    """An ASGI app. It is served by the event loop that does the work: while that is stuck, `/livez` has no answer."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.url = ""
        """Where it is served; empty: nowhere."""
        self.why_not_ready: Callable[[], str] = lambda: STARTING
        """A sentence; empty when it is warm and has room."""

    async def __call__(
        self, scope: dict[str, Any], _: object, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        """Answer a request."""
        status, body, content_type = await self._answer(scope)
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: dict[str, Any]) -> tuple[int, bytes, str]:
        """Status, body and content type."""
        path = scope["path"] if scope["method"] in {"GET", "HEAD"} else ""
        if path == "/metrics":
            accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
            body, content_type = await asyncio.to_thread(self.metrics.exposition, accept.decode("latin-1"))
            return 200, body, content_type
        if path == "/livez":
            return 200, b"ok\n", _TEXT
        if path == "/readyz":
            sentence = self.why_not_ready()
            return (503, f"{sentence}\n".encode(), _TEXT) if sentence else (200, b"ready\n", _TEXT)
        return 404, b"Ask for /metrics, /livez or /readyz.\n", _TEXT


@asynccontextmanager
async def probed(service: str, settings: LaneSettings) -> AsyncIterator[Probes]:
    """From a process's start to its end, so that it can be asked while it is not warm yet. Raises Misconfigured."""
    probes = Probes(Metrics(service, settings))
    if not settings.metrics_port:
        yield probes
        return
    async with _served(probes, settings):
        yield probes


@asynccontextmanager
async def _served(probes: Probes, settings: LaneSettings) -> AsyncIterator[None]:
    import uvicorn  # noqa: PLC0415  -- costs 0.1 s, and 1 MB, who is not asked

    from shared.runtime.listening import Listener, bound  # noqa: PLC0415  -- as above

    socket, probes.url = bound(settings.metrics_host, max(0, settings.metrics_port), "Metrics", "metrics_port")
    config = uvicorn.Config(
        probes,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    listener = Listener(config)
    serving = await listener.listen(socket)
    try:
        yield
    finally:
        listener.should_exit = True
        await serving
        socket.close()
