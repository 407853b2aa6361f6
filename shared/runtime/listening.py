"""An ASGI app on a socket of our own, served in this event loop and ended by whoever runs it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AbstractContextManager, nullcontext

import uvicorn

from shared.model.errors import Misconfigured
from shared.model.variables import variable

_OF_UP = frozenset({"rest_port", "grpc_port"})
"""Settings of ports that `visavis up` has an option for."""


class Listener(uvicorn.Server):
    """uvicorn's server, which says when it listens and leaves signals to `shared.runtime.lifecycle`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when it listens."""
        await super().startup(sockets)
        self._listening.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # wider than a generator's
        """They are heard elsewhere."""
        return nullcontext()

    async def listen(self, on: socket.socket) -> asyncio.Task[None]:
        """Listen; answers the task that serves until `should_exit` is set."""
        serving = asyncio.create_task(self.serve([on]))
        listening = asyncio.create_task(self._listening.wait())
        await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
        return serving


def another_port(setting: str) -> str:
    """What to do where a port is taken. setting: of the port."""
    flag = f" (of `visavis up`: --{setting.replace('_', '-')})" if setting in _OF_UP else ""
    return f"choose another port by {variable(setting)}{flag}"


def bound(host: str, port: int, what: str, setting: str) -> tuple[socket.socket, str]:
    """A socket that does not listen yet, and its URL. port: 0 for a free one.

    what, setting: who listens, and the name of the setting of its port. Raises Misconfigured for a taken port.
    """
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise Misconfigured(f"{what} cannot listen on {host}:{port}: {another_port(setting)}.") from error
    shown = f"[{host}]" if ":" in host else host
    return made, f"http://{shown}:{made.getsockname()[1]}"
