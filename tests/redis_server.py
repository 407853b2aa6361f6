"""A real redis-server on loopback for tests, with a port and a folder of its own, ended by its own process id.

Debian's package redis-server is needed: `make test` installs it where it may.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

import pytest

from tests import ending, halting
from tests.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hosts import Host

PASSWORD = "wide open sesame"  # noqa: S105  -- of a server on loopback that lives for a test
_QUOTED = "wide%20open%20sesame"
_PATIENCE_SECONDS = 20.0


class RedisServer:
    """A server that asks for a password. A context; it can be ended and begun again at the same port.

    Free ports are looked for by the first beginning, and anew while others take them before the server does.
    """

    def __init__(
        self, folder: Path, certificate: Path | None = None, key: Path | None = None, host: Host | None = None
    ) -> None:
        """folder: one that is its own. certificate: to speak TLS with, on a second port. host: where; None: here.

        The test is skipped where there is no redis-server.
        """
        self._program = shutil.which("redis-server")
        if self._program is None:
            pytest.skip("There is no redis-server to keep contexts: apt-get install redis-server")
        self._folder = folder
        self._on, self._address = ([], "127.0.0.1") if host is None else (host.on, host.address)
        self.port = self._tls_port = 0
        self._certificate, self._key = certificate, key
        self._running: subprocess.Popen[bytes] | None = None
        self._is_halted = False

    @property
    def url(self) -> str:
        """What VISAVIS_CONTEXT is set to."""
        return f"redis://:{_QUOTED}@{self._address}:{self.port}/1"

    @property
    def tls_url(self) -> str:
        """The same over TLS."""
        return f"rediss://:{_QUOTED}@127.0.0.1:{self._tls_port}/1"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Start, with nothing kept, and wait until it answers."""
        end = time.monotonic() + _PATIENCE_SECONDS
        wants_ports = self.port == 0
        while True:
            if wants_ports:
                self.port, self._tls_port = free_ports(2)
            self._running = subprocess.Popen(self._words(), stdin=subprocess.DEVNULL)
            try:
                if self._has_begun(end):
                    return
            except BaseException:
                self.end()
                raise
            self._running = None
            time.sleep(0.1)

    def _words(self) -> list[str]:
        options = {
            "--bind": self._address, "--port": str(self.port), "--dir": str(self._folder), "--save": "",
            "--appendonly": "no", "--requirepass": PASSWORD, "--logfile": str(self._folder / "redis.log"),
        }  # fmt: skip
        if self._certificate is not None:
            options |= {
                "--tls-port": str(self._tls_port), "--tls-cert-file": str(self._certificate),
                "--tls-key-file": str(self._key), "--tls-auth-clients": "no",
            }  # fmt: skip
        return [*self._on, str(self._program), *(word for pair in options.items() for word in pair)]

    def _has_begun(self, end: float) -> bool:
        """Wait until it answers; False: it has ended, as it does where its port is taken."""
        assert self._running is not None
        while self._running.poll() is None:
            if self._answers():
                return True
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.02)
        assert time.monotonic() < end, f"redis-server ends again and again: see {self._folder / 'redis.log'}"
        return False

    def end(self) -> None:
        """End it; all that it kept is gone."""
        if self._running is not None:
            self.go_on()
            ending.end(self._running, _PATIENCE_SECONDS)
            self._running = None

    def halt(self) -> None:
        """Have it stand still: connections stay, and nothing is answered."""
        assert self._running is not None
        halting.halt(self._running.pid)
        self._is_halted = True

    def go_on(self) -> None:
        """Have it answer again."""
        if self._running is not None and self._is_halted:
            halting.go_on(self._running.pid)
            self._is_halted = False

    def tell(self, *words: str) -> bytes:
        """The first piece of the answer to a command."""
        said = b"".join(_command(*one) for one in (("AUTH", PASSWORD), ("SELECT", "1"), words))
        with socket.create_connection((self._address, self.port), _PATIENCE_SECONDS) as connected:
            connected.sendall(said)
            with connected.makefile("rb") as answers:
                assert [answers.readline() for _ in range(2)] == [b"+OK\r\n"] * 2
                return answers.readline()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.tell("PING") == b"+PONG\r\n"
        return False


def _command(*words: str) -> bytes:
    """As the protocol has it (RESP): an array of strings."""
    return f"*{len(words)}\r\n".encode() + b"".join(f"${len(word)}\r\n{word}\r\n".encode() for word in words)
