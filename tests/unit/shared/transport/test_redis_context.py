"""What only Redis has: URLs, passwords, TLS, and a server that others use, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Misconfigured, Unavailable
from shared.transport.redis_context import PREFIX, RedisContext
from tests.certificates import signed_by_itself
from tests.redis_server import PASSWORD, RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("patient_context")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.mark.parametrize(
    "url",
    [
        "nats://127.0.0.1:4222",
        "redis.example.org:6379",
        "redis://",
        "redis://:secret@host:port",
        "redis://:secret@host:6379/zero",
        "redis://:secret@host:6379/1?no_such_thing=1",
        "redis://:se/cret@host:6379",
        "unix:///secret",
    ],
)
def test_a_url_that_means_no_redis_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(Misconfigured, match="VISAVIS_CONTEXT must be redis://host:port/db") as caught:
        RedisContext.open(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://user:secret@host", "redis://host:6379"),
        ("redis://:secret@[::1]:7000/3", "redis://[::1]:7000/3"),
        ("rediss://:secret@host:6380/0", "rediss://host:6380/0"),
    ],
)
async def test_the_place_names_server_and_database_and_no_password(url: str, place: str) -> None:
    context = RedisContext.open(url)
    assert context.place == place
    await context.close()


async def test_keys_have_a_prefix_and_a_time_to_live_on_the_server(server: RedisServer) -> None:
    context = RedisContext.open(server.url)
    await context.ping()
    await context.put("a", b"x", 600)
    await context.close()
    assert server.tell("STRLEN", f"{PREFIX}a") == b":1\r\n"
    assert 0 < int(server.tell("TTL", f"{PREFIX}a")[1:]) <= 600
    assert server.tell("DBSIZE") == b":1\r\n"


async def test_a_wrong_password_is_unavailable_and_not_repeated(server: RedisServer) -> None:
    context = RedisContext.open(f"redis://:not-the-secret@127.0.0.1:{server.port}/1")
    with pytest.raises(Unavailable) as caught:
        await context.ping()
    assert "not-the-secret" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    await context.close()


async def test_what_another_program_keeps_there_cannot_be_read(server: RedisServer) -> None:
    context = RedisContext.open(server.url)
    server.tell("LPUSH", f"{PREFIX}a", "x")
    with pytest.raises(Unavailable):
        await context.get("a")
    await context.close()


async def test_a_flushed_server_has_nothing(server: RedisServer) -> None:
    context = RedisContext.open(server.url)
    await context.put("a", b"x", 600)
    server.tell("FLUSHALL")
    assert await context.get("a") is None
    await context.close()


async def test_nobody_answers_where_nobody_is(server: RedisServer) -> None:
    server.end()
    context = RedisContext.open(server.url)
    with pytest.raises(Unavailable, match=f"redis://127.0.0.1:{server.port}/1 does not answer"):
        await context.get("a")
    await context.close()


async def test_tls_is_spoken_and_who_the_server_is_gets_checked(tmp_path: Path) -> None:
    certificate, key = signed_by_itself(tmp_path)
    with RedisServer(tmp_path / "redis", certificate, key) as server:
        trusting = RedisContext.open(f"{server.tls_url}?ssl_ca_certs={certificate}")
        await trusting.put("a", b"x", 600)
        assert await trusting.get("a") == b"x"
        await trusting.close()
        strange = RedisContext.open(server.tls_url)
        with pytest.raises(Unavailable):
            await strange.get("a")
        await strange.close()
