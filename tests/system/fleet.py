"""Lanes and a gateway as operators run them: one process after the other, each on its host, told by settings alone."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
import msgspec
import pytest

from shared.model.jobs import JobRecord, record_key
from tests import ending
from tests.hosts import Hosts
from tests.nats_cluster import NODES, NatsCluster, NatsNode
from tests.redis_server import RedisServer
from tests.s3_server import S3Server
from visavis.stack import ALLOCATOR, LANE_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.hosts import Host

_CLIENTS, _ROUTES, _REST, _GRPC, _S3 = 4222, 6222, 8080, 8081, 9000
"""Ports: each host has its own."""
READY_SECONDS = 180.0
"""Seven processes start at once, on a machine that may have more to do."""
_PATIENCE_SECONDS = 20.0
"""So long a service may take to end by itself."""


class Fleet:
    """Three hosts with a node of NATS each; on the first two a lane each, on the third gateway, Redis and a bucket.

    A context. The test is skipped where hosts, Redis or S3 cannot be had.
    """

    def __init__(self, folder: Path, models: Path, environment: dict[str, str]) -> None:
        """folder: its own. environment: further settings of all services."""
        self._folder, self._exits = folder, ExitStack()
        self._environment = {
            **ALLOCATOR,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "VISAVIS_MODELS": str(models),
            "VISAVIS_KEYS": "never",
            "VISAVIS_DIE_WITH_PARENT": "1",
            **environment,
        }
        self.lanes = ("a", "b")
        self._services: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self.net = self._exits.enter_context(Hosts(NODES))
            self.cluster = self._exits.enter_context(NatsCluster([self._node(host) for host in self.net.hosts]))
            redis = self._exits.enter_context(RedisServer(self._folder / "redis", host=self.net.hosts[-1]))
            self._environment["VISAVIS_CONTEXT"] = redis.url
            self._store = self._exits.enter_context(S3Server(self._folder / "s3.log", _S3, host=self.net.hosts[-1]))
            self._environment |= {"VISAVIS_STORE_URL": self._store.url, **self._store.environment}
            self._exits.callback(self._end)
            self.start(self._all)
            self.wait_for_lanes(self.lanes)
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    @property
    def rest(self) -> str:
        """The gateway's REST address."""
        return f"http://{self.net.hosts[-1].address}:{_REST}"

    @property
    def grpc(self) -> str:
        """The gateway's gRPC address, host:port."""
        return f"{self.net.hosts[-1].address}:{_GRPC}"

    def entry(self, job: str) -> JobRecord:
        """What the ledger in the bucket says of a job."""
        return msgspec.json.decode(self._store.read(record_key(job)), type=JobRecord)

    @property
    def logs(self) -> Path:
        """The folder of the services' logs."""
        return self._folder / "log"

    @property
    def _all(self) -> list[tuple[str, str]]:
        return [*((service, lane) for lane in self.lanes for service in LANE_SERVICES), ("gateway", "gateway")]

    def host(self, lane: str) -> Host:
        """Where a lane runs, or the gateway, which stands for one here."""
        return self.net.hosts[self.lanes.index(lane) if lane in self.lanes else -1]

    def pid(self, service: str, lane: str) -> int:
        """Process id of a service."""
        return self._services[service, lane].pid

    def start(self, services: Iterable[tuple[str, str]]) -> None:
        """Start services, each by its name and its lane, and wait until all are ready."""
        end = time.monotonic() + READY_SECONDS
        with selectors.DefaultSelector() as selector:
            for one in services:
                selector.register(self._spawn(*one), selectors.EVENT_READ, one)
            while waiting := [key.data for key in selector.get_map().values()]:
                ready = selector.select(max(0.0, end - time.monotonic()))
                assert ready, f"not ready after {READY_SECONDS:.0f} s: {waiting}; see {self.logs}"
                for key, _ in ready:
                    selector.unregister(key.fd)
                    self._read(key.fd, *key.data)

    def wait_for_lanes(self, lanes: Iterable[str]) -> None:
        """Until the gateway knows of these lanes and of no others."""
        wanted, end = sorted(lanes), time.monotonic() + READY_SECONDS
        with httpx.Client(base_url=self.rest, trust_env=False, timeout=READY_SECONDS) as gateway:
            while (found := sorted(gateway.get("/healthz").json()["lanes"])) != wanted:
                assert time.monotonic() < end, f"the gateway knows of {found}, and not of {wanted}"
                time.sleep(0.05)

    def kill(self, lane: str) -> None:
        """End the three services of a lane without a word."""
        killed = [self._services.pop((service, lane)) for service in LANE_SERVICES]
        for process in killed:
            process.kill()
        for process in killed:
            process.wait()

    def begin_again(self, lane: str) -> None:
        """Have a lane that was killed back, under its name and on its host."""
        self.start([(service, lane) for service in LANE_SERVICES])

    def _node(self, host: Host) -> NatsNode:
        return NatsNode(self._folder / f"n{host.address}", host.address, (_CLIENTS, _ROUTES), host.on)

    def _spawn(self, service: str, lane: str) -> int:
        """Start one; the file that it writes to when it is ready."""
        read_fd, write_fd = os.pipe()
        self.logs.mkdir(parents=True, exist_ok=True)
        host = self.host(lane)
        own = {
            "VISAVIS_NATS_URL": self.cluster.urls,
            "VISAVIS_LANE": lane,
            "VISAVIS_VAR": str(self._folder / lane),
            "VISAVIS_REST_HOST": host.address,
            "VISAVIS_REST_PORT": str(_REST),
            "VISAVIS_GRPC_HOST": host.address,
            "VISAVIS_GRPC_PORT": str(_GRPC),
            "VISAVIS_READY_FD": str(write_fd),
        }
        with (self.logs / f"{service}-{lane}.log").open("ab") as log:
            self._services[service, lane] = subprocess.Popen(
                [*host.on, sys.executable, "-m", f"services.{service}"],
                env={**os.environ, **self._environment, **own}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[write_fd],
            )  # fmt: skip
        os.close(write_fd)
        return read_fd

    def _read(self, fd: int, service: str, lane: str) -> None:
        with os.fdopen(fd, "rb") as pipe:
            line = pipe.readline()
        if not line:
            pytest.fail(
                f"{service} of {lane} did not start: {(self.logs / f'{service}-{lane}.log').read_text()[-800:]}"
            )

    def _end(self) -> None:
        ending.end_all(list(reversed(self._services.values())), _PATIENCE_SECONDS)
