"""shared/transport/fetching.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.addresses import read_networks, read_url
from shared.model.errors import Rejected, Unavailable
from shared.transport.dialing import Dialer
from shared.transport.fetching import Fetcher
from tests.web import Web, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

MOST = 1 << 16


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["169.254.169.254" if host == "metadata.example" else "127.0.0.1"]

    dialer = Dialer(read_networks("127.0.0.0/8", "source_networks"), resolve=resolve)
    async with Fetcher(dialer, schemes=("http", "https"), silence_seconds=5, redirects=2) as made:
        yield made


async def body(fetcher: Fetcher, url: str, most: int = MOST, span: tuple[int, int] | None = None) -> bytes:
    async with fetcher.get(read_url(url), most, span) as answer:
        return await answer.body()


async def test_a_file_comes_whole_or_in_part(fetcher: Fetcher, web: Web) -> None:
    web.files["/a"] = bytes(range(256))
    assert await body(fetcher, web.url("/a")) == bytes(range(256))
    assert await body(fetcher, web.url("/a"), span=(10, 5)) == bytes(range(10, 15))


async def test_a_redirect_leads_on_and_is_told(fetcher: Fetcher, web: Web) -> None:
    web.files |= {"/a": "/b?c=1", "/b?c=1": b"there"}
    async with fetcher.get(read_url(web.url("/a")), MOST) as answer:
        assert await answer.body() == b"there"
        assert answer.url.text == web.url("/b?c=1")


@pytest.mark.parametrize("target", ["http://metadata.example/latest/", "http://169.254.169.254/", "http://[::1]/"])
async def test_a_redirect_to_a_forbidden_address_is_refused(fetcher: Fetcher, web: Web, target: str) -> None:
    web.files["/a"] = target
    with pytest.raises(Rejected, match="VISAVIS_SOURCE_NETWORKS") as refused:
        await body(fetcher, web.url("/a"))
    assert "latest" not in str(refused.value)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "rtmp://127.0.0.1/x", "gopher://x/", "http://"])
async def test_a_redirect_to_something_else_than_the_web_is_refused(fetcher: Fetcher, web: Web, target: str) -> None:
    web.files["/a"] = target
    with pytest.raises(Rejected):
        await body(fetcher, web.url("/a"))


async def test_a_redirect_leads_only_where_the_caller_would_go(web: Web) -> None:
    web.files |= {"/a": "/b", "/b": b"there"}
    dialer = Dialer(read_networks("127.0.0.0/8", "source_networks"))
    async with Fetcher(dialer, schemes=("https",), silence_seconds=5) as https_only:
        with pytest.raises(Rejected, match="VISAVIS_SOURCE_SCHEMES"):
            await body(https_only, web.url("/a"))
    assert web.asked == ["/a"]


@pytest.mark.parametrize("name", ["location", "Location", "LOCATION"])
async def test_headers_are_known_however_they_are_spelled(fetcher: Fetcher, web: Web, name: str) -> None:
    web.location, web.files = name, {"/a": "/b", "/b": b"there"}
    assert await body(fetcher, web.url("/a")) == b"there"


async def test_redirects_in_a_ring_end(fetcher: Fetcher, web: Web) -> None:
    web.files |= {"/a": "/b", "/b": "/a"}
    with pytest.raises(Rejected, match="source_redirects"):
        await body(fetcher, web.url("/a"))
    assert web.asked == ["/a", "/b", "/a"]


async def test_more_bytes_than_wanted_are_refused(fetcher: Fetcher, web: Web) -> None:
    web.files["/a"] = b"x" * 1000
    with pytest.raises(Rejected, match="999 bytes"):
        await body(fetcher, web.url("/a"), most=999)


async def test_a_file_that_is_not_there_is_unavailable(fetcher: Fetcher, web: Web) -> None:
    with pytest.raises(Unavailable, match="404") as missing:
        await body(fetcher, web.url("/secret?token=1"))
    assert "secret" not in str(missing.value)


async def test_who_is_named_in_the_url_is_told_to_the_server_only(fetcher: Fetcher, web: Web) -> None:
    web.files["/a"] = b"x"
    await body(fetcher, f"http://me:word@127.0.0.1:{web.port}/a")
    assert web.headers[0]["Authorization"] == "Basic bWU6d29yZA=="
    assert web.headers[0]["Host"] == f"127.0.0.1:{web.port}"


async def test_what_is_posted_comes_as_it_is(fetcher: Fetcher, web: Web) -> None:
    web.replies = [(429, {"Retry-After": "7"})]
    reply = await fetcher.post(read_url(web.url("/hook?token=1")), b'{"a": 1}', {"Webhook-Id": "x"})
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")
    [(path, headers, body)] = web.posted
    assert (path, headers["Webhook-Id"], body) == ("/hook?token=1", "x", b'{"a": 1}')
    assert headers["Host"] == f"127.0.0.1:{web.port}"


async def test_a_redirect_of_what_was_posted_is_not_followed(fetcher: Fetcher, web: Web) -> None:
    web.replies = [(307, {"Location": web.url("/elsewhere")})]
    assert (await fetcher.post(read_url(web.url("/hook")), b"x", {})).status == 307
    assert [path for path, *_ in web.posted] == ["/hook"]


@pytest.mark.parametrize("target", ["http://metadata.example/latest/", "http://169.254.169.254/", "http://[::1]/"])
async def test_nothing_is_posted_to_a_forbidden_address(fetcher: Fetcher, target: str) -> None:
    with pytest.raises(Rejected, match="VISAVIS_SOURCE_NETWORKS") as refused:
        await fetcher.post(read_url(target), b"x", {})
    assert "latest" not in str(refused.value)


async def test_nobody_there_to_post_to_is_unavailable(fetcher: Fetcher) -> None:
    with serving() as gone:
        url = gone.url("/secret")
    with pytest.raises(Unavailable) as missing:
        await fetcher.post(read_url(url), b"x", {})
    assert "secret" not in str(missing.value)
