"""A real cluster of three nats-servers for tests; each has its store and its ports, and may be on a host of its own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import nats

from shared.transport.nats_server import binary
from tests.children import tied
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NODES = 3
PATIENCE_SECONDS = 60.0
NOTICING = 'ping_interval: "4s"\nping_max: 2\nwrite_deadline: "2s"\n'
"""Has a server notice within seconds that a client or another node is gone without a word, and wait for neither: as
docs/operations.md says."""


class NatsNode:
    """One server of a cluster. It keeps its ports and its store when it is started again."""

    def __init__(self, folder: Path, address: str, ports: Sequence[int], on: Sequence[str] = ()) -> None:
        """ports: for clients and for the other nodes. on: words of a command before its own, which put it on a host."""
        self.name, self.address = folder.name, address
        self.client_port, self.route_port = ports
        self._folder, self._on = folder, on
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"nats://{self.address}:{self.client_port}"

    def start(self, routes: str = "", more: Sequence[str] = ()) -> None:
        """Start; it waits for the others by itself.

        routes: addresses of all nodes, by comma; empty: it is alone. more: further words of its command.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "nats.conf").write_text(
            NOTICING + f"cluster {{\n{NOTICING}write_timeout: close\n}}\n" * bool(routes)
        )
        words = [
            *self._on, str(binary()), "--config", str(self._folder / "nats.conf"), "--server_name", self.name, "--addr",
            self.address, "--port", str(self.client_port), "--jetstream", "--store_dir", str(self._folder / "store"),
            "--log", str(self._folder / "nats.log"), *more,
        ]  # fmt: skip
        if routes:
            own = f"nats://{self.address}:{self.route_port}"
            words += ["--cluster_name", "visavis", "--cluster", own, "--routes", routes]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen([*tied(), *words], stdin=quiet, stdout=quiet, stderr=quiet)

    def kill(self) -> None:
        """End it without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class NatsCluster:
    """Three nodes, as a context: entered when they have agreed on a leader, and left with all of them ended."""

    def __init__(self, nodes: Sequence[NatsNode]) -> None:
        self.nodes = list(nodes)
        self._exits = ExitStack()

    @classmethod
    def on_loopback(cls, folder: Path) -> Self:
        """All nodes on this machine's loopback address, at ports that were free a moment ago."""
        ports = free_ports(2 * NODES)
        pairs = zip(ports[::2], ports[1::2], strict=True)
        return cls([NatsNode(folder / f"n{number}", "127.0.0.1", pair) for number, pair in enumerate(pairs, 1)])

    @property
    def urls(self) -> str:
        """What VISAVIS_NATS_URL is set to."""
        return ",".join(node.url for node in self.nodes)

    def start(self, node: NatsNode) -> None:
        """Start a node, or start it again."""
        node.start(",".join(f"nats://{one.address}:{one.route_port}" for one in self.nodes))

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                self._exits.callback(node.kill)
                self.start(node)
            asyncio.run(self._agreed())
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    async def leader(self, stream: str) -> NatsNode:
        """The node that leads a stream. Raises TimeoutError where none gets to."""
        by_name = {node.name: node for node in self.nodes if node.process is not None}
        async with asyncio.timeout(PATIENCE_SECONDS), await nats.connect(self._alive(), **_PATIENT) as client:
            while True:
                try:
                    found = (await client.jetstream(timeout=1).stream_info(stream)).cluster
                    if found is not None and found.leader in by_name:
                        return by_name[found.leader]
                except (nats.errors.Error, TimeoutError):
                    pass
                await asyncio.sleep(0.1)

    async def whole(self, streams: Sequence[str]) -> None:
        """Wait until every stream has all its replicas, each up to date."""
        async with asyncio.timeout(PATIENCE_SECONDS), await nats.connect(self._alive(), **_PATIENT) as client:
            jetstream = client.jetstream(timeout=1)
            waiting = list(streams)
            while waiting:
                try:
                    found = (await jetstream.stream_info(waiting[-1])).cluster
                    replicas = (found.replicas if found is not None else None) or []
                    if len(replicas) == NODES - 1 and all(one.current and not one.offline for one in replicas):
                        waiting.pop()
                        continue
                except (nats.errors.Error, TimeoutError):
                    pass
                await asyncio.sleep(0.1)

    async def _agreed(self) -> None:
        """Until the nodes have a leader and keep what is given to them."""
        end = time.monotonic() + PATIENCE_SECONDS
        client = await nats.connect(self._alive(), **_PATIENT)
        try:
            while True:
                try:
                    await client.jetstream(timeout=1).account_info()
                except (nats.errors.Error, TimeoutError):
                    if time.monotonic() > end:
                        raise
                    await asyncio.sleep(0.05)
                else:
                    return
        finally:
            await client.close()

    def _alive(self) -> list[str]:
        return [node.url for node in self.nodes if node.process is not None]


def wait_for(node: NatsNode) -> None:
    """Until a node that is alone takes connections. Fails where it does not get so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection((node.address, node.client_port), PATIENCE_SECONDS).close()
        except OSError:
            assert time.monotonic() < end, f"{node.name} takes no connection"
            assert node.process is not None, f"{node.name} was not started"
            assert node.process.poll() is None, f"{node.name} has ended"
            time.sleep(0.02)
        else:
            return


async def _quiet(_: Exception) -> None:
    """Servers that are not there yet are what is waited for."""


_PATIENT: dict[str, Any] = {"max_reconnect_attempts": -1, "reconnect_time_wait": 0.05, "error_cb": _quiet}
