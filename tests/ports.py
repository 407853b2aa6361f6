"""Ports for programs that cannot be told to take a free one."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(number: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> list[int]:
    """Ports of this machine's loopback address that were free a moment ago, all different."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.socket(type=kind)) for _ in range(number)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]
