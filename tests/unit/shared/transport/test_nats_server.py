from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Misconfigured
from shared.transport import nats_server
from shared.transport.nats_server import NatsServer

if TYPE_CHECKING:
    from pathlib import Path


def port_of(server: NatsServer) -> int:
    return int(server.url.rsplit(":", 1)[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_started_server_accepts_connections(server: NatsServer) -> None:
    assert listens(port_of(server))


def test_two_servers_choose_ports_of_their_own(server: NatsServer, tmp_path: Path) -> None:
    other = NatsServer(tmp_path / "other")
    other.start()
    assert port_of(other) != port_of(server)
    other.stop()


def test_a_server_that_was_stopped_is_gone(server: NatsServer) -> None:
    assert server.process is not None
    pid = server.process.pid
    server.stop()
    server.stop()
    assert not listens(port_of(server))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_was_killed_comes_back_on_its_port(server: NatsServer) -> None:
    url = server.url
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    server.start()
    assert server.url == url
    assert listens(port_of(server))


def test_a_server_that_cannot_start_says_why(server: NatsServer, tmp_path: Path) -> None:
    late = NatsServer(tmp_path / "late")
    late._port = port_of(server)
    with pytest.raises(Misconfigured, match="address already in use"):
        late.start()
    late.stop()


def test_a_store_has_one_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_server, "STORE_SECONDS", 0.5)
    first, second = NatsServer(tmp_path / "store"), NatsServer(tmp_path / "store")
    first.start()
    try:
        with pytest.raises(Misconfigured, match="Another service runs in"):
            second.start()
        assert listens(port_of(first))
    finally:
        first.stop()
    monkeypatch.undo()
    second.start()
    second.stop()


def test_a_server_is_found_by_its_folder_while_it_runs(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "store")
    server.start()
    try:
        assert nats_server.url_in(tmp_path / "store") == server.url
    finally:
        server.stop()
    with pytest.raises(Misconfigured, match="--nats"):
        nats_server.url_in(tmp_path / "store")


def test_a_missing_binary_is_said_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Misconfigured, match="make setup"):
        nats_server.binary()
