"""The app on a real socket."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import httpx
import pytest

from services.gateway.rest import app
from services.gateway.rest.serving import RestServer
from shared.model.errors import Misconfigured
from shared.model.keys import Quotas

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from services.gateway.parts import Parts
    from shared.transport.keys import KeyRing

MIB = 1 << 20


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110  -- what changes is a folder
        await asyncio.sleep(0.02)


def served(parts: Parts, **changed: int | str) -> RestServer:
    settings = parts.settings.model_copy(update={"stop_seconds": 1, **changed})
    return RestServer(app.build(parts), settings, parts.jobs.let_go, parts.live.drained)


@pytest.fixture
async def url(parts: Parts) -> AsyncIterator[str]:
    server = served(parts)
    await server.start()
    running = asyncio.create_task(server.run())
    yield server.url
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_answers_where_it_says(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_it_leaves_signals_alone(url: str) -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_a_port_that_is_taken_is_said(url: str, parts: Parts) -> None:
    with pytest.raises(Misconfigured, match="VISAVIS_REST_PORT"):
        served(parts, rest_port=int(url.rpartition(":")[2]))


async def test_when_stopped_it_lets_go_of_its_port(parts: Parts) -> None:
    server = served(parts)
    await server.start()
    running = asyncio.create_task(server.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(server.url)


async def test_an_upload_cut_off_half_way_leaves_nothing_behind(url: str, parts: Parts, tmp_path: Path) -> None:
    def files() -> bool:
        return any(path.is_file() for path in (tmp_path / "objects").rglob("*"))

    object.__setattr__(parts, "settings", parts.settings.model_copy(update={"max_upload_bytes": 30 * MIB}))
    _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    head = b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nContent-Length: 25000000\r\n\r\n"
    writer.write(head + b"\0\0\0\x20ftypisom" + bytes(20 * MIB))
    await writer.drain()
    await until(files)
    writer.close()
    await until(lambda: not files())


async def test_an_upload_that_stalls_is_given_up(url: str, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    short = parts.settings.model_copy(update={"upload_stall_seconds": 0.1})
    object.__setattr__(parts, "settings", short)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(b"POST /v1/images HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n\xff\xd8\xff")
    answer = await reader.readuntil(b"\r\n")
    assert b"408" in answer
    writer.close()


async def test_what_is_announced_as_too_large_is_refused_before_it_comes(url: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
    assert b"413" in await reader.readuntil(b"\r\n")
    writer.close()


async def test_who_watches_a_job_is_let_go_when_it_stops(parts: Parts) -> None:
    server = served(parts, stop_seconds=60)
    await server.start()
    running = asyncio.create_task(server.run())
    async with httpx.AsyncClient(base_url=server.url) as client:
        job = (await client.post("/v1/jobs", content=b"GIF89a")).json()["id"]
        async with client.stream("GET", f"/v1/jobs/{job}/events") as answer:
            lines = answer.aiter_lines()
            assert [await anext(lines) for _ in range(3)] == ["retry: 1000", "", "event: progress"]
            running.cancel()
            assert [line async for line in lines]  # to its end, without an error
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("trusted", "is_secure"),
    [("127.0.0.1", True), ("10.1.2.3, 127.0.0.0/8", True), ("*", True), ("10.0.0.0/8", False), ("", False)],
)
async def test_a_proxy_that_is_trusted_is_believed_that_a_page_came_by_https(
    asking: Parts, ring: KeyRing, trusted: str, is_secure: bool
) -> None:
    server = served(asking, trusted_proxies=trusted)
    await server.start()
    running = asyncio.create_task(server.run())
    try:
        headers = {"X-Forwarded-Proto": "https", "Sec-Fetch-Site": "same-origin"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
            answer = await client.post("/traces/sign-in", data={"key": await ring.add("shop", [], Quotas())})
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert ("Secure" in answer.headers["set-cookie"]) is is_secure
