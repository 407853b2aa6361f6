"""A process that has loaded the decoders' libraries and forks fresh decoder processes from itself, in milliseconds.

Not `multiprocessing`'s: its children inherit the service's environment (with its credentials) and may run the service's
main module again. This one has an empty environment, no network, tells how each child ended, and hands its parent a
process file descriptor of each, with which the kernel confirms a death also if this process is dead too.

    python -m services.ingest.confined.fork_server CONTROL_FD POOL_FD LIMITS_JSON
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import selectors
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING

import msgspec

from services.ingest import confinement
from services.ingest.limits import IngestLimits
from services.ingest.messages.fork_server import Exited, Fork, Forked, Ready, pack, unpack_fork

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_CONTROL_BYTES = 4096
ORPHANS_SECONDS = 5.0
"""How often children's own processes are buried: the kernel ends them with the child, and leaves that to us."""


class ForkServer:
    """Forks on request until its control socket closes or its parent dies; its children die with it."""

    def __init__(self, control: socket.socket, serve: Callable[[socket.socket, bool], None]) -> None:
        """serve: what a child does with its socket and with being a spare; returning ends the child."""
        self._control, self._serve = control, serve
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._parent = os.pidfd_open(os.getppid())
        self._selector.register(self._parent, selectors.EVENT_READ)
        self._children: dict[int, int] = {}

    def run(self) -> None:
        """Serve until nobody is there to serve."""
        confinement.adopt_orphans()
        while True:
            self._reap_orphans()
            for key, _ in self._selector.select(ORPHANS_SECONDS):
                if key.fd == self._parent:
                    return
                if key.fd in self._children:
                    self._reap(key.fd)
                elif not self._hear():
                    return

    def _hear(self) -> bool:
        message, fds, _, _ = socket.recv_fds(self._control, _MOST_CONTROL_BYTES, 1)
        if not message:
            return False
        self._fork(unpack_fork(message), fds[0])
        return True

    def _fork(self, request: Fork, connection_fd: int) -> None:
        server = os.getpid()
        pid = os.fork()
        if not pid:
            self._become_child(server, connection_fd, request.spare)
        os.close(connection_fd)
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = pid
        self._selector.register(pidfd, selectors.EVENT_READ)
        socket.send_fds(self._control, [pack(Forked(request.token, pid))], [pidfd])

    def _become_child(self, server: int, connection_fd: int, spare: bool) -> None:
        """Never returns."""
        status = 1
        try:
            confinement.die_with(server)
            self._selector.close()
            self._control.close()
            for pidfd in (self._parent, *self._children):
                os.close(pidfd)
            self._serve(socket.socket(fileno=connection_fd), spare)
            status = 0
        except Exception:  # noqa: BLE001  -- the last frame of this process: what nobody foresaw is told on stderr
            traceback.print_exc()
        finally:
            os._exit(status)

    def _reap_orphans(self) -> None:
        known = self._children.values()
        with contextlib.suppress(ChildProcessError):
            while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and dead.si_pid not in known:
                os.waitpid(dead.si_pid, 0)

    def _reap(self, pidfd: int) -> None:
        self._selector.unregister(pidfd)
        pid = self._children.pop(pidfd)
        _, status = os.waitpid(pid, 0)
        os.close(pidfd)
        self._control.send(pack(Exited(pid, os.waitstatus_to_exitcode(status))))


def main(arguments: list[str]) -> None:
    """Run as the module's docstring says."""
    control = socket.socket(fileno=int(arguments[0]))
    limits = msgspec.json.decode(arguments[2], type=IngestLimits)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    network = confinement.leave_network()
    if not confinement.is_left(network) and confinement.can_refuse_sockets():
        network = f"refused to decoders, not to readers of sources; {network}"
    # Only now: a user namespace needs a process that has no second thread yet, and these libraries may start some.
    from services.ingest.confined.process import DecoderProcess, warm_up  # noqa: PLC0415

    pool = mmap.mmap(int(arguments[1]), 0)
    os.close(int(arguments[1]))
    samples = warm_up()
    gc.freeze()

    def serve(connection: socket.socket, spare: bool) -> None:
        process = DecoderProcess(connection, pool, limits)
        if spare:
            process.get_ready(samples)
        process.serve()

    server = ForkServer(control, serve)
    control.send(pack(Ready(network)))
    try:
        server.run()
    except (BrokenPipeError, ConnectionResetError):
        return


if __name__ == "__main__":
    main(sys.argv[1:])
