"""The parent's handle on the fork server: asks for children, kills them, and knows for certain when one is dead."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from services.ingest.child_words import heard
from services.ingest.messages.fork_server import Exited, Fork, Forked, Ready, pack, unpack_report
from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from services.ingest.limits import IngestLimits

_MOST_PACKET_BYTES = 4096
_STATUS_GRACE_SECONDS = 1.0
"""The kernel tells of a death before the fork server tells how it came; it gets this long."""
_ENVIRONMENT = {
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",  # forking wants a process with one thread
    "OMP_NUM_THREADS": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # a fault costs microseconds, and a huge page replaces 512 of them
    "MALLOC_ARENA_MAX": "2",  # an arena reserves 64 MiB of the address space that is bounded
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),  # a frame's memory is used again instead of given back and faulted in anew
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}


class Child:
    """A forked process. `connection` is the parent's end of its socket."""

    def __init__(self, pid: int, pidfd: int, connection: socket.socket) -> None:
        self.pid, self.connection = pid, connection
        self._pidfd = pidfd
        loop = asyncio.get_running_loop()
        self._dead: asyncio.Future[None] = loop.create_future()
        self._status: asyncio.Future[int | None] = loop.create_future()
        loop.add_reader(pidfd, self._died)

    @property
    def is_dead(self) -> bool:
        """True once the kernel has said so."""
        return self._dead.done()

    def kill(self) -> None:
        """End it at once; harmless if it is dead already."""
        if not self.is_dead:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def died(self) -> None:
        """Wait until the kernel says that it is dead."""
        await asyncio.shield(self._dead)

    async def ended(self) -> int | None:
        """Wait until it is dead: its exit status, minus the signal's number, or None if nobody knows."""
        await self.died()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STATUS_GRACE_SECONDS):
                return await asyncio.shield(self._status)
        return None

    def reaped(self, status: int | None) -> None:
        """The fork server says how it ended; None: it cannot say any more."""
        if not self._status.done():
            self._status.set_result(status)

    def _died(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._dead.set_result(None)


class Forkery:
    """One fork server and the children it has forked."""

    def __init__(self, pool_fd: int, limits: IngestLimits) -> None:
        """pool_fd: an open file that children map, read and write; it may be closed after `start`."""
        self._pool_fd, self._limits = pool_fd, limits
        self._process: Process | None = None
        self._control: socket.socket | None = None
        self._ready: asyncio.Future[str] | None = None
        self._waiting: dict[int, tuple[asyncio.Future[Child], socket.socket]] = {}
        self._children: dict[int, Child] = {}
        self._tokens = 0
        self._busy: dict[int, float] = {}
        self._busy_before = 0.0

    @property
    def is_alive(self) -> bool:
        """True while it can fork."""
        return self._control is not None

    @property
    def busy_seconds(self) -> float:
        """Processor time of its children, as far as they were looked at: each for the last time when it was asked."""
        for child in self._children.values():
            self._busy[child.pid] = busy_seconds(child.pid) or self._busy.get(child.pid, 0.0)
        for pid in self._busy.keys() - self._children.keys():
            self._busy_before += self._busy.pop(pid)
        return self._busy_before + sum(self._busy.values())

    async def start(self) -> str:
        """Start the process and wait until its libraries are loaded; returns whether children can reach a network.

        Raises Unavailable if it ends instead.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[str] = loop.create_future()
        self._control, self._ready = ours, ready
        loop.add_reader(ours, self._hear, ours, ready)
        with theirs, heard("decoder") as stderr:
            limits = msgspec.json.encode(self._limits).decode()
            fds = (theirs.fileno(), self._pool_fd)
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.ingest.confined.fork_server", *map(str, fds), limits),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=fds,
                env=_ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
            )
        return await ready

    async def fork(self, *, spare: bool = False) -> Child:
        """A fresh child, waiting for its task; a spare one warms up first.

        Raises Unavailable if the fork server is gone.
        """
        if self._control is None:
            raise Unavailable("The process that forks decoders is not running.")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._tokens += 1
        answer: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._waiting[self._tokens] = (answer, ours)
        with theirs:
            try:
                socket.send_fds(self._control, [pack(Fork(self._tokens, spare))], [theirs.fileno()])
            except OSError:
                self._lost()
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                forgotten = answer.result()  # it came in the moment in which nobody wanted it any more
                forgotten.kill()
                forgotten.connection.close()
            raise

    async def close(self) -> None:
        """End the fork server and every child; returns when all are dead."""
        self._lost()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        for child in tuple(self._children.values()):
            await child.ended()

    def _hear(self, control: socket.socket, ready: asyncio.Future[str]) -> None:
        try:
            packet, fds, _, _ = socket.recv_fds(control, _MOST_PACKET_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        if not packet:
            self._lost()
            return
        match unpack_report(packet):
            case Ready(network):
                ready.set_result(network)
            case Forked(token, pid):
                self._forked(token, pid, fds[0])
            case Exited(pid, status):
                self._children.pop(pid).reaped(status)

    def _forked(self, token: int, pid: int, pidfd: int) -> None:
        answer, connection = self._waiting.pop(token)
        child = self._children[pid] = Child(pid, pidfd, connection)
        if answer.done():  # who asked has been cancelled
            child.kill()
            connection.close()
        else:
            answer.set_result(child)

    def _lost(self) -> None:
        """The control socket is of no use any more. The kernel kills the children with their fork server."""
        if self._control is None:
            return
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        self._control = None
        gone = Unavailable("The process that forks decoders has ended.")
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(gone)
        for answer, connection in self._waiting.values():
            connection.close()
            if not answer.done():
                answer.set_exception(gone)
        self._waiting.clear()
        for child in self._children.values():
            child.reaped(None)


def busy_seconds(pid: int) -> float:
    """Processor time that a process has used; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0
