"""services/ingest/sources/web.py, with a real server on loopback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.ingest.limits import IngestLimits
from services.ingest.messages.source import SourceCut, SourceNotice
from services.ingest.sources.rules import SourceRules
from services.ingest.sources.web import WebProgress, WebSource
from shared.model.addresses import read_networks, read_url
from shared.model.errors import Rejected, Unavailable
from shared.transport.dialing import Dialer
from shared.transport.fetching import Fetcher
from tests.web import Web, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = read_networks("127.0.0.0/8", "source_networks")
Given = list[bytes | str]


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


async def read(
    url: str, limits: IngestLimits | None = None, most: int = 1000, progress: WebProgress | None = None
) -> Given:
    """What was given, with `cut` and the kinds of notices between."""
    given: Given = []
    enough = asyncio.Event()

    async def give(what: bytes | SourceCut | SourceNotice) -> None:
        given.append(what if isinstance(what, bytes) else "cut" if isinstance(what, SourceCut) else what.kind)
        if len(given) >= most:
            enough.set()
            await asyncio.Event().wait()

    rules = SourceRules(limits=limits or IngestLimits())
    redirects = rules.limits.source_redirects
    async with Fetcher(Dialer(LOOPBACK), schemes=rules.web_schemes, silence_seconds=5, redirects=redirects) as fetcher:
        reading = asyncio.ensure_future(
            WebSource(read_url(url), fetcher, rules, give, progress or WebProgress()).read()
        )
        waiting = asyncio.ensure_future(enough.wait())
        await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not reading.done():
            reading.cancel()
        try:
            await reading
        except asyncio.CancelledError:
            assert enough.is_set()
    return given


def playlist(*lines: str, sequence: int = 0, ends: bool = True, seconds: int = 4) -> bytes:
    head = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{seconds}", f"#EXT-X-MEDIA-SEQUENCE:{sequence}"]
    body = [line if line.startswith("#") else f"#EXTINF:4,\n{line}" for line in lines]
    return "\n".join([*head, *body, *(["#EXT-X-ENDLIST"] if ends else [])]).encode()


async def test_a_file_comes_as_it_is(web: Web) -> None:
    web.files["/a.ts"] = b"G" * 100_000
    assert b"".join(map(as_bytes, await read(web.url("/a.ts")))) == b"G" * 100_000


async def test_a_playlist_that_ends_is_read_from_its_beginning(web: Web) -> None:
    names = [f"{n}.ts" for n in range(5)]
    web.files |= {"/x": playlist(*names)} | {f"/{name}": name.encode() for name in names}
    assert await read(web.url("/x")) == [name.encode() for name in names]


async def test_a_live_playlist_is_joined_near_its_end_and_followed(web: Web) -> None:
    windows = iter([(0, 5), (0, 5), (3, 6), (7, 9)])

    def window() -> bytes:
        first, last = next(windows)
        return playlist(*(f"{n}.ts" for n in range(first, last)), sequence=first, ends=last == 9, seconds=0)

    web.files |= {"/x": window} | {f"/{n}.ts": str(n).encode() for n in range(9)}
    assert await read(web.url("/x")) == [b"2", b"3", b"4", b"5", "cut", b"7", b"8"]


async def test_a_live_playlist_is_asked_for_again_by_the_time_of_asking_not_of_taking(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, skipped = asyncio.get_running_loop(), [0.0]
    clock = loop.time
    monkeypatch.setattr(loop, "time", lambda: clock() + skipped[0])
    windows = iter([playlist("a", ends=False, seconds=60), playlist("a", "b", seconds=60)])
    web.files |= {"/x": lambda: next(windows), "/a": b"a", "/b": b"b"}

    async def give(what: bytes | SourceCut | SourceNotice) -> None:
        skipped[0] += 60.0 if what == b"a" else 0.0  # so long as the segment is shown

    async with asyncio.timeout(100), Fetcher(Dialer(LOOPBACK), schemes=("http",), silence_seconds=5) as fetcher:
        await WebSource(read_url(web.url("/x")), fetcher, SourceRules(), give, WebProgress()).read()
    assert web.asked == ["/x", "/a", "/x", "/b"]


async def test_a_playlist_that_ends_is_gone_on_with_after_what_was_given(web: Web) -> None:
    header = '#EXT-X-MAP:URI="one"'
    web.files |= {"/x": playlist(header, "a", "b", "c"), "/one": b"one", "/a": b"a", "/c": b"c"}
    progress = WebProgress()
    with pytest.raises(Unavailable, match="404"):
        await read(web.url("/x"), progress=progress)
    assert (progress.last, progress.is_over) == (0, False)
    web.files["/b"] = b"b"
    assert await read(web.url("/x"), progress=progress) == [b"one", b"b", b"c"]
    assert (progress.last, progress.is_over) == (2, True)
    assert await read(web.url("/x"), progress=progress) == []


async def test_a_segment_that_breaks_off_is_not_given_twice(web: Web) -> None:
    web.files |= {"/x": playlist("a", "b"), "/a": bytes(100_000), "/b": b"b"}
    progress = WebProgress()
    await read(web.url("/x"), most=2, progress=progress)
    assert progress.last == 0
    assert await read(web.url("/x"), progress=progress) == [b"b"]


async def test_another_playlist_in_its_place_is_read_from_its_beginning(web: Web) -> None:
    web.files |= {"/x": playlist("a", sequence=7), "/a": b"a"}
    progress = WebProgress()
    progress.last = 90
    assert await read(web.url("/x"), progress=progress) == [b"a"]


async def test_a_live_playlist_is_joined_near_its_end_again(web: Web) -> None:
    web.files |= {"/x": playlist(*(f"{n}.ts" for n in range(5)), ends=False)} | {f"/{n}.ts": b"x" for n in range(5)}
    progress = WebProgress()
    for _ in range(2):
        web.asked.clear()
        await read(web.url("/x"), most=3, progress=progress)
        assert web.asked == ["/x", "/2.ts", "/3.ts", "/4.ts"]


async def test_a_new_header_and_a_discontinuity_are_cuts(web: Web) -> None:
    one, two = '#EXT-X-MAP:URI="one"', '#EXT-X-MAP:URI="two"'
    web.files["/x"] = playlist(one, "a", "b", "#EXT-X-DISCONTINUITY", "c", two, "d")
    web.files |= {f"/{name}": name.encode() for name in ("one", "two", "a", "b", "c", "d")}
    wanted = [b"one", b"a", b"b", "cut", b"one", b"c", "cut", b"two", b"d"]
    assert await read(web.url("/x")) == wanted


async def test_a_playlist_whose_numbers_begin_anew_is_joined_again(web: Web) -> None:
    windows = iter([playlist("a", sequence=90, ends=False, seconds=0), playlist("b", sequence=1)])
    web.files |= {"/x": lambda: next(windows), "/a": b"a", "/b": b"b"}
    assert await read(web.url("/x")) == [b"a", "cut", b"b"]


async def test_of_a_master_playlist_one_variant_is_read(web: Web) -> None:
    web.files["/m"] = (
        b'#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="a.m3u8"\n'
        b'#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nx\n'
    )
    web.files |= {"/x": playlist("a"), "/a": b"a"}
    assert await read(web.url("/m")) == ["sound-left-out", b"a"]


async def test_variants_of_variants_are_refused(web: Web) -> None:
    master = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"
    web.files |= {"/m": master + b"n\n", "/n": master + b"m\n"}
    with pytest.raises(Rejected, match="one level"):
        await read(web.url("/m"))
    assert web.asked == ["/m", "/n"]


async def test_a_playlist_that_redirects_to_itself_ends(web: Web) -> None:
    web.files |= {"/m": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nn\n", "/n": "/n"}
    with pytest.raises(Rejected, match="source_redirects"):
        await read(web.url("/m"))


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "http://[::ffff:127.0.0.1]/x", "http://192.168.0.1/x"]
)
async def test_a_segment_at_a_forbidden_address_is_refused(web: Web, target: str) -> None:
    web.files["/x"] = playlist(target)
    with pytest.raises(Rejected, match="VISAVIS_SOURCE_NETWORKS"):
        await read(web.url("/x"))


async def test_a_segment_that_redirects_to_a_forbidden_address_is_refused(web: Web) -> None:
    web.files |= {"/x": playlist("a"), "/a": "http://10.0.0.1/a"}
    with pytest.raises(Rejected, match="VISAVIS_SOURCE_NETWORKS"):
        await read(web.url("/x"))


async def test_a_segment_that_does_not_end_is_refused(web: Web) -> None:
    web.files |= {"/x": playlist("a"), "/a": bytes(100_000)}
    with pytest.raises(Rejected, match="99999 bytes"):
        await read(web.url("/x"), IngestLimits(source_segment_bytes=99_999))


async def test_a_playlist_that_does_not_end_is_refused(web: Web) -> None:
    web.files["/x"] = b"#EXTM3U\n" + b"#\n" * 1000
    with pytest.raises(Rejected, match="source_playlist_bytes"):
        await read(web.url("/x"), IngestLimits(source_playlist_bytes=1000))


async def test_a_live_playlist_that_does_not_go_on_is_unavailable(web: Web) -> None:
    web.files |= {"/x": playlist("a", ends=False, seconds=0), "/a": b"a"}
    with pytest.raises(Unavailable, match="does not go on"):
        await read(web.url("/x"), IngestLimits(source_silence_seconds=1))


async def test_a_live_playlist_is_read_no_faster_than_it_is_taken(web: Web) -> None:
    web.files |= {"/x": playlist("a", "b", "c")} | {f"/{name}": b"x" for name in "abc"}
    assert await read(web.url("/x"), most=1) == [b"x"]
    assert web.asked == ["/x", "/a"]


def as_bytes(what: bytes | str) -> bytes:
    assert isinstance(what, bytes)
    return what
