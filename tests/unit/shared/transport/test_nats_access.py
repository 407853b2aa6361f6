from __future__ import annotations

import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Misconfigured
from shared.transport import nats_bus
from shared.transport.nats_access import NatsAccess
from shared.transport.nats_bus import NatsBus
from tests.certificates import signed_by_itself
from tests.nats_cluster import NatsNode, wait_for
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A certificate with its key, which vouches for itself."""
    certificate, key = signed_by_itself(tmp_path)
    path = tmp_path / "own.pem"
    path.write_text(key.read_text() + certificate.read_text())
    return path


@pytest.fixture
def strict(tmp_path: Path, pem: Path) -> Iterator[NatsAccess]:
    """How to come to a server that asks for a certificate and a password."""
    node = NatsNode(tmp_path / "n1", "127.0.0.1", free_ports(2))
    files = "--tlscert", "--tlskey", "--tlscacert"
    try:
        node.start(more=("--user", "me", "--pass", "secret", "--tlsverify", *(w for f in files for w in (f, str(pem)))))
        wait_for(node)
        yield NatsAccess(node.url.replace("nats:", "tls:"), "me", "secret", ca=pem, certificate=pem, key=pem)
    finally:
        node.kill()


def test_the_nodes_of_a_cluster_are_told_apart_by_commas() -> None:
    access = NatsAccess("nats://one:4222, nats://two:4222,")
    assert access.servers == ["nats://one:4222", "nats://two:4222"]


def test_places_are_said_without_passwords() -> None:
    assert NatsAccess("nats://me:secret@one:4222,tls://two:4222").places == "one:4222, tls://two:4222"


def test_without_more_the_client_is_told_nothing_more() -> None:
    assert NatsAccess("nats://one:4222").options() == {}


def test_a_user_and_a_password_are_told() -> None:
    assert NatsAccess("nats://one", "me", "secret").options() == {"user": "me", "password": "secret"}


@pytest.mark.parametrize("name", ["ca", "certificate"])
def test_a_file_that_cannot_be_used_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / "wrong.pem"
    path.write_text("no certificate")
    with pytest.raises(Misconfigured, match="over TLS with those files"):
        NatsAccess("tls://one", **{name: path}).options()  # type: ignore[arg-type]  # of fields that take a path


def test_with_an_authority_of_its_own_nobody_else_vouches_for_the_servers(pem: Path) -> None:
    context = NatsAccess("tls://one", ca=pem).options()["tls"]
    assert isinstance(context, ssl.SSLContext)
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode == ssl.CERT_REQUIRED


async def test_a_server_that_asks_for_all_of_it_is_come_to(strict: NatsAccess) -> None:
    bus = await NatsBus.connect(strict, "test")
    await bus.publish("jobs.event.a.job", b"x")
    assert await bus.last("jobs.event.a.job") == b"x"
    await bus.close()


@pytest.mark.parametrize("lacking", [{"password": "wrong"}, {"certificate": None, "key": None}, {"ca": None}])
async def test_without_one_of_them_the_bus_cannot_be_had(
    strict: NatsAccess, lacking: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_bus, "CONNECT_SECONDS", 2.0)
    with pytest.raises(Misconfigured, match=r"No NATS server.*by VISAVIS_NATS_URL \(.*--nats") as caught:
        await NatsBus.connect(replace(strict, **lacking), "test")
    assert "wrong" not in str(caught.value)
