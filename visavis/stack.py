"""The whole service as processes on this machine: NATS and its lanes, started, watched, restarted and stopped."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self

import httpx

from shared.memory.segment import card_segment_path, remove_orphans, segment_path
from shared.model.errors import Misconfigured
from shared.runtime.lifecycle import EXIT_MISCONFIGURED, die_with_parent
from shared.transport.nats_server import NatsServer
from visavis.mps import Mps

LANE_SERVICES = ("ingest", "detect", "render")
SERVICES = (*LANE_SERVICES, "gateway")
"""Of a stack of one lane."""
READY_SECONDS = 60.0
"""A first start compiles every library on a machine that may have more to do."""
READY_ON_CARDS_SECONDS = 300.0
"""There models choose their kernels for each shape, or are built by TensorRT."""
STOP_SECONDS = 10.0
RESTART_PAUSE_SECONDS = 0.5
ALLOCATOR = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Has glibc keep the memory of a frame for the next one, in huge pages. Given back and faulted in anew it costs a still
4 of 34 ms here."""
POLL_SECONDS = 0.1
ON_LOOPBACK = {"VISAVIS_REST_HOST": "127.0.0.1", "VISAVIS_GRPC_HOST": "127.0.0.1", "VISAVIS_KEYS": "auto"}
"""Settings of a stack that a command starts for itself alone: nobody else reaches it, and it asks for no key."""


@dataclass(slots=True)
class _Service:
    """One child process."""

    name: str
    lane: str
    process: subprocess.Popen[bytes]
    ready_fd: int
    log: Path
    work: Path
    """Its work files, which a process that is killed leaves behind."""
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How a stack is started."""

    var: Path = Path("var")
    nats_url: str = ""
    """A running server; empty starts the embedded one."""
    rest_port: int = 0
    """0 takes a free one."""
    grpc_port: int = 0
    models: Path | None = None
    effects: Path | None = None
    """Folder of effects of one's own."""
    environment: dict[str, str] = field(default_factory=dict)
    """Further VISAVIS_* settings."""
    lanes: tuple[dict[str, str], ...] = ({},)
    """One or more, each with further VISAVIS_* settings of its own (`visavis.lanes`)."""
    workers: int = 1
    """Processes of detect, and of render, that each lane has: one has no use for more than a core's worth of Python."""
    mps: bool = False
    """Whether the processes of a lane compute on its card at the same time, by NVIDIA's Multi-Process Service."""
    metrics: bool = False
    """Whether each service of a lane serves its metrics and its state, on a free port (`Stack.metrics`)."""


class Stack:
    """NATS, a gateway, and the three services of each lane. A context manager: leaving it leaves nothing behind.

    The services of the first lane have their own names; those of another are `<service>-<number>`, from 1. Further
    workers of a lane are `<service>.<number>`, from 1, or `<service>-<number>.<number>`.
    """

    def __init__(self, options: StackOptions) -> None:
        self._options = options
        first = f"l{secrets.token_hex(4)}"
        self._lanes = (first, *(f"{first}-{number}" for number in range(1, len(options.lanes))))
        self._nats: NatsServer | None = None
        self._left: list[Path] = []
        """Folders of an earlier stack with recordings in them."""
        self._mps = Mps(os.environ, options.var / "log" / "mps", die_with_parent)
        self._services: dict[str, _Service] = {}
        self.nats_url = options.nats_url
        self.restarts = 0

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def rest(self) -> str:
        """The gateway's REST address."""
        return self._services["gateway"].facts["rest"]

    @property
    def grpc(self) -> str:
        """The gateway's gRPC address, host:port."""
        return self._services["gateway"].facts["grpc"]

    @property
    def asks_for_keys(self) -> bool:
        """Whether requests to the gateway need an API key."""
        return self._services["gateway"].facts.get("keys") == "asked"

    @property
    def lane(self) -> str:
        """The first lane's name."""
        return self._lanes[0]

    @property
    def lanes(self) -> tuple[str, ...]:
        """The names of all lanes."""
        return self._lanes

    def metrics(self, name: str) -> str:
        """Where a service by its name in the stack serves Prometheus: the URL of its `/metrics`; empty for nowhere."""
        facts = self._services[name].facts
        served = facts.get("rest" if name == "gateway" else "metrics", "")
        return f"{served}/metrics" if served else ""

    @property
    def logs(self) -> Path:
        """The folder of the services' logs."""
        return self._options.var / "log"

    @property
    def _work(self) -> Path:
        """Where the services have their work files (`ServiceSettings.work`)."""
        return self._options.var / "work"

    @property
    def services(self) -> tuple[str, ...]:
        """The names of all its services."""
        return tuple(self._services)

    def pid(self, name: str) -> int:
        """Process id of a service by its name in the stack, or of `nats`."""
        if name == "nats" and self._nats is not None and self._nats.process is not None:
            return self._nats.process.pid
        return self._services[name].process.pid

    def start(self) -> None:
        """Start everything and wait until it is ready. Raises Misconfigured with the reason if it does not get so."""
        self.logs.mkdir(parents=True, exist_ok=True)
        remove_orphans()
        if self._options.mps:
            self._mps.start()
        if not self._options.nats_url:
            self._nats = NatsServer(self._options.var / "nats", die_with_parent)
            self._nats.start()
            self.nats_url = self._nats.url
            self._left = [path for path in self._work.glob("*") if not _cleared(path)]  # of a stack: nobody works in it
        for number, lane in enumerate(self._lanes):
            for name in LANE_SERVICES:
                for worker in range(1 if name == "ingest" else self._options.workers):
                    key = (f"{name}-{number}" if number else name) + (f".{worker}" if worker else "")
                    left = self._left.pop() if name == "render" and self._left else None
                    self._services[key] = self._spawn(key, name, lane, left=left)
        self._services["gateway"] = self._spawn("gateway", "gateway", self.lane)
        self._wait_until_ready(list(self._services.values()))
        self._wait_until_known()

    def watch(self) -> list[str]:
        """Start again whatever has ended by itself; says what. Call it often."""
        restarted = []
        if self._mps.has_ended:
            self._mps.start()
            restarted.append("mps")
        if self._nats is not None and self._nats.process is not None and self._nats.process.poll() is not None:
            self._nats.start()
            restarted.append("nats")
        for name, service in list(self._services.items()):
            if service.process.poll() is not None:
                self._check_exit(service)
                if service.ready_fd >= 0:
                    os.close(service.ready_fd)
                time.sleep(RESTART_PAUSE_SECONDS)
                self._services[name] = self._spawn(name, service.name, service.lane, service.facts, service.work)
                restarted.append(name)
        self.restarts += len(restarted)
        return restarted

    def wait_for_restart(self, name: str) -> None:
        """Block until the newest process of a service has said that it is ready."""
        self._wait_until_ready([self._services[name]])

    def stop(self) -> None:
        """End every process, the last started first, and remove what they shared."""
        for service in reversed(self._services.values()):
            service.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS + self._grace_seconds
        for service in self._services.values():
            try:
                service.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                service.process.kill()
                service.process.wait()
            _cleared(service.work)
            if service.ready_fd >= 0:
                os.close(service.ready_fd)
        self._services.clear()
        if self._nats is not None:
            self._nats.stop()
        self._mps.stop()
        for lane in self._lanes:
            for path in (segment_path(lane), card_segment_path(lane)):
                path.unlink(missing_ok=True)

    @property
    def _grace_seconds(self) -> float:
        """The longest that a lane may go on with what it has begun (VISAVIS_DRAIN_SECONDS)."""
        everywhere = os.environ | self._options.environment
        return max(float((everywhere | lane).get("VISAVIS_DRAIN_SECONDS", 0)) for lane in self._options.lanes)

    def _spawn(
        self, key: str, name: str, lane: str, former: dict[str, str] | None = None, left: Path | None = None
    ) -> _Service:
        """key: what the process is called in this stack. left: work files of the one before, which it clears."""
        path, worker = self.logs / f"{key}.log", f"{name}-{secrets.token_hex(3)}"
        work = self._work / f"{name}-{lane}-{worker}"
        if left is not None:
            with suppress(FileNotFoundError):  # it had none
                left.rename(work)
        read_fd, write_fd = os.pipe()
        own = self._options.lanes[self._lanes.index(lane)]
        environment = self._environment(lane, worker, write_fd, former or {}) | own
        with path.open("ab") as log:
            process = self._popen(name, environment, write_fd, log)
        os.close(write_fd)
        return _Service(name, lane, process, read_fd, path, work, dict(former or {}))

    def _popen(self, name: str, environment: dict[str, str], write_fd: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  -- our own services
            [sys.executable, "-m", f"services.{name}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[write_fd],
            start_new_session=True,  # Ctrl-C reaches the children through us, in order
        )

    def _environment(self, lane: str, worker: str, write_fd: int, former: dict[str, str]) -> dict[str, str]:
        options = self._options
        own = {
            **ALLOCATOR,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "SVT_LOG": "1",  # SVT-AV1 says fifteen lines of each encoder otherwise; this leaves errors
            "VISAVIS_NATS_URL": self.nats_url,
            "VISAVIS_LANE": lane,
            "VISAVIS_WORKER": worker,
            "VISAVIS_VAR": str(options.var.resolve()),
            "VISAVIS_READY_FD": str(write_fd),
            "VISAVIS_DIE_WITH_PARENT": "1",
            "VISAVIS_REST_PORT": _port(former.get("rest"), options.rest_port),
            "VISAVIS_GRPC_PORT": _port(former.get("grpc"), options.grpc_port),
            "VISAVIS_METRICS_PORT": _port(former.get("metrics"), -1 if options.metrics else 0),
        }
        if options.models is not None:
            own["VISAVIS_MODELS"] = str(options.models)
        if options.effects is not None:
            own["VISAVIS_EFFECTS"] = str(options.effects)
        return {**self._mps.told(os.environ), **own, **options.environment}

    def _wait_until_ready(self, waiting: list[_Service]) -> None:
        seconds = READY_ON_CARDS_SECONDS if find_spec("cupy") else READY_SECONDS
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for service in waiting:
                selector.register(service.ready_fd, selectors.EVENT_READ, service)
            while selector.get_map():
                ready = selector.select(max(0.0, end - time.monotonic()))
                if not ready:
                    names = ", ".join(key.data.name for key in selector.get_map().values())
                    raise Misconfigured(f"Not ready after {seconds:.0f} s: {names}; see {self.logs}.")
                for key, _ in ready:
                    selector.unregister(key.fd)
                    self._take_facts(key.data)

    def _wait_until_known(self) -> None:
        """Until the gateway has heard of the lanes: from then on it says that it is ready."""
        end = time.monotonic() + READY_SECONDS
        with httpx.Client(base_url=self.rest, trust_env=False, timeout=READY_SECONDS) as gateway:
            while missing := set(self._lanes).difference(gateway.get("/healthz").json()["lanes"]):
                if time.monotonic() > end:
                    raise Misconfigured(f"The gateway does not hear of {', '.join(sorted(missing))}; see {self.logs}.")
                time.sleep(POLL_SECONDS)

    def _take_facts(self, service: _Service) -> None:
        with os.fdopen(service.ready_fd, "rb") as pipe:
            line = pipe.readline()
        service.ready_fd = -1
        if not line:
            service.process.wait(STOP_SECONDS)
            self._check_exit(service, always=True)
        service.facts = json.loads(line)

    def _check_exit(self, service: _Service, *, always: bool = False) -> None:
        """Raises Misconfigured with the end of the log if starting it again cannot help, or `always`."""
        if always or service.process.returncode == EXIT_MISCONFIGURED:
            lines = service.log.read_text(errors="replace").strip().splitlines() or ["no log"]
            said = _sentence(lines[-1]).removeprefix(f"visavis {service.name}: ")[:400]
            raise Misconfigured(f"{service.name.capitalize()} did not start: {said}")


def _cleared(work: Path) -> bool:
    """Remove work files of a process that is gone, unless there are recordings that the store has not taken yet.

    False where there are: they are for the next render (`services.render.rescuing`).
    """
    if any(work.glob("*.recording/*.mp4")):
        return False
    shutil.rmtree(work, ignore_errors=True)
    return True


def _sentence(line: str) -> str:
    """What the last line of a log says: a sentence for whoever started the service, or a bug's class and words."""
    try:
        said = json.loads(line)
        return f"{said['error.type']}: {said['error.message']}"
    except (ValueError, TypeError, KeyError):
        return line


def _port(address: str | None, default: int) -> str:
    """A service that comes back listens where it listened before."""
    return address.rsplit(":", 1)[1] if address else str(default)
