"""Hosts of one machine for tests: each has a network and shared memory of its own, and all hang on one switch.

A host is a pair of namespaces that live as long as the processes in them: when the test is gone, so are they. The test
itself reaches all hosts, and can unplug one. It takes root and Linux; elsewhere what needs hosts is skipped.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from tests.children import tied

PATIENCE_SECONDS = 20.0
SHARED_MEMORY = "size=2g"
_NETWORK = "198.18"
"""Kept free for tests of networks (RFC 2544)."""


class Host:
    """One of them."""

    def __init__(self, address: str, process: subprocess.Popen[bytes], port: str) -> None:
        """port: the switch's, where its cable is plugged in."""
        self.address, self.process, self.port = address, process, port

    @property
    def on(self) -> list[str]:
        """Words of a command before its own that have it run there: in the same process, whose parent we are."""
        return [_program("nsenter"), f"--target={self.process.pid}", "--net", "--mount"]

    def do(self, *words: str) -> str:
        """Run a command there to its end; what it said. Raises CalledProcessError where it fails."""
        return _said([*self.on, *words])


class Hosts:
    """A switch and so many hosts on it, as a context. Skips the test where this machine does not let us have them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._exits = ExitStack()
        self._network = f"{_NETWORK}.{secrets.randbelow(256)}"
        self.hosts: list[Host] = []

    def __enter__(self) -> Self:
        try:
            self._switch = Host("", self._namespaces(), "")
            self._switch.do("ip", "link", "add", "switch", "type", "bridge")
            self._switch.do("ip", "link", "set", "switch", "up")
            self._plug_us_in()
            for number in range(self._count):
                self.hosts.append(self._host(number))
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def unplug(self, host: Host) -> None:
        """From now on nothing reaches the host and nothing comes from it, as if it had lost its power."""
        self._switch.do("ip", "link", "set", host.port, "down")

    def plug_in(self, host: Host) -> None:
        """Have it back."""
        self._switch.do("ip", "link", "set", host.port, "up")

    def _namespaces(self) -> subprocess.Popen[bytes]:
        """A process that does nothing but have them."""
        before = Path("/proc/self/ns/net").readlink()
        words = [*tied(), _program("unshare"), "--net", "--mount", "sleep", "infinity"]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        self._exits.callback(process.wait)
        self._exits.callback(process.kill)
        end = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and time.monotonic() < end:
            if Path(f"/proc/{process.pid}/ns/net").readlink() != before and _is_asleep(process.pid):
                return process
            time.sleep(0.01)
        pytest.skip("This machine lets us make no network namespaces, which hosts are made of: it takes root.")

    def _plug_us_in(self) -> None:
        ours = f"vis{secrets.token_hex(3)}"
        peer = f"ip link add port0 type veth peer name {ours} netns {os.getpid()}"
        self._switch.do(*peer.split())
        self._switch.do("ip", "link", "set", "port0", "master", "switch", "up")
        self._exits.callback(subprocess.run, [_program("ip"), "link", "delete", ours], check=False)
        _said([_program("ip"), "address", "add", f"{self._network}.1/24", "dev", ours])
        _said([_program("ip"), "link", "set", ours, "up"])

    def _host(self, number: int) -> Host:
        host = Host(f"{self._network}.{11 + number}", self._namespaces(), f"port{1 + number}")
        peer = f"ip link add {host.port} type veth peer name eth0 netns {host.process.pid}"
        self._switch.do(*peer.split())
        self._switch.do("ip", "link", "set", host.port, "master", "switch", "up")
        host.do("ip", "address", "add", f"{host.address}/24", "dev", "eth0")
        host.do("ip", "link", "set", "eth0", "up")
        host.do("ip", "link", "set", "lo", "up")
        host.do("mount", "-t", "tmpfs", "-o", SHARED_MEMORY, "tmpfs", "/dev/shm")  # noqa: S108  -- the very path
        return host


def _is_asleep(pid: int) -> bool:
    """Whether the process has gone from unshare to what it is to run."""
    return Path(f"/proc/{pid}/comm").read_text().strip() == "sleep"


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    return found or pytest.skip(f"There is no program {name}, which hosts are made with: apt-get install iproute2")


def _said(words: list[str]) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
