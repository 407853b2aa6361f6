"""What streams have made, as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from shared.transport.store import ObjectStore

STREAM = "a1" * 10
AT = f"/v1/streams/{STREAM}"


@pytest.fixture(autouse=True)
async def files(store: ObjectStore) -> None:
    await store.put(f"streams/{STREAM}/hls/index.m3u8", b"#EXTM3U\n")
    await store.put(f"streams/{STREAM}/hls/init-0.mp4", b"init")
    await store.put(f"streams/{STREAM}/hls/segment-0.m4s", bytes(range(100)))
    await store.put(f"streams/{STREAM}/record.mp4", b"recording")
    await store.put(f"streams/{STREAM}/record-2.mp4", b"second part")


@pytest.mark.parametrize(
    ("name", "kind", "caching"),
    [
        ("index.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("init-0.mp4", "video/mp4", "immutable"),
        ("segment-0.m4s", "video/iso.segment", "immutable"),
    ],
)
async def test_players_of_any_page_get_what_they_need(
    client: httpx.AsyncClient, name: str, kind: str, caching: str
) -> None:
    for verb in ("GET", "HEAD"):
        answer = await client.request(verb, f"{AT}/hls/{name}", headers={"Origin": "https://player.example"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert caching in answer.headers["cache-control"]
        assert answer.headers["access-control-allow-origin"] == "*"
        assert int(answer.headers["content-length"]) > 0
        assert bool(answer.content) is (verb == "GET")


async def test_a_browser_may_ask_before(client: httpx.AsyncClient) -> None:
    answer = await client.options(f"{AT}/hls/index.m3u8", headers={"Access-Control-Request-Headers": "range"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert "Range" in answer.headers["access-control-allow-headers"]


async def test_a_part_of_a_segment_can_be_had(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{AT}/hls/segment-0.m4s", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, bytes(range(10, 20)))
    assert answer.headers["content-range"] == "bytes 10-19/100"
    assert (await client.get(f"{AT}/hls/segment-0.m4s", headers={"Range": "bytes=200-"})).status_code == 416


@pytest.mark.parametrize(
    "path",
    [
        f"{AT}/hls/segment-9.m4s",
        f"{AT}/hls/record.mp4",
        f"{AT}/hls/..%2Frecord.mp4",
        f"{AT}/hls/index.txt",
        "/v1/streams/..%2F..%2Fjobs/hls/index.m3u8",
        f"/v1/streams/{'b' * 20}/hls/index.m3u8",
    ],
)
async def test_nothing_else_can_be_had(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


async def test_a_page_can_read_that_there_is_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{AT}/hls/segment-9.m4s")
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_recording_is_a_file(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{AT}/record")
    assert (answer.content, answer.headers["content-type"]) == (b"recording", "video/mp4")
    assert ".mp4" in answer.headers["content-disposition"]
    assert (await client.get(f"{AT}/record", params={"part": 2})).content == b"second part"
    assert (await client.get(f"{AT}/record", headers={"Range": "bytes=0-2"})).content == b"rec"
    assert (await client.head(f"{AT}/record")).headers["content-length"] == "9"
    assert (await client.get(f"{AT}/record", params={"part": 3})).status_code == 404
    assert (await client.get(f"{AT}/record", params={"part": "x"})).status_code == 422
