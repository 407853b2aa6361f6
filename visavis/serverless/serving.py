"""Serves the function on a port, from when it is warm until a signal ends it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import uvicorn

from shared.model.errors import Misconfigured
from visavis.serverless.function import Function
from visavis.serverless.settings import read_http_settings
from visavis.serverless.web import application

if TYPE_CHECKING:
    from visavis.serverless.settings import HttpSettings
    from visavis.serverless.steps import Steps

BACKLOG = 64


class _Server(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # wider than a generator's
        """They are heard by `serve`."""
        return nullcontext()


async def serve(steps: Steps) -> None:
    """Until SIGTERM or SIGINT; what is under way then is finished. Raises Misconfigured or Unavailable at the start."""
    settings = read_http_settings()
    with _bound(settings) as listening:
        function = await Function.started(steps)
        try:
            config = uvicorn.Config(
                application(function),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
            )
            server = _Server(config)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, setattr, server, "should_exit", True)
            listening.listen(BACKLOG)
            said = {"event": "listening", "port": listening.getsockname()[1]}
            print(json.dumps(said), flush=True)  # noqa: T201  -- the function's log
            await server.serve([listening])
        finally:
            await function.close()


def _bound(settings: HttpSettings) -> socket.socket:
    """A socket that does not listen yet: who connects before the function is warm is refused, not kept waiting."""
    bound = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        raise Misconfigured(f"Port {settings.port} of {settings.host} is taken: set PORT to another.") from error
    return bound
