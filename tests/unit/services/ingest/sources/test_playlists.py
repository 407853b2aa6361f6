"""services/ingest/sources/playlists.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.limits import IngestLimits
from services.ingest.sources.playlists import MasterPlaylist, MediaPlaylist, choose_variant, read_playlist
from services.ingest.sources.rules import SourceRules
from shared.model.addresses import read_url
from shared.model.errors import Rejected

URL = read_url("https://live.example/show/index.m3u8?token=secret")
RULES = SourceRules()
SCRAPS = (
    *("#EXTINF:", "#EXTINF:4,", "a.ts", "#EXT-X-KEY:METHOD=NONE", "#EXT-X-MAP:URI=", "#EXT-X-BYTERANGE:1@"),
    *('"', "'", ",", "\n", "=", "#EXT-X-STREAM-INF:", "RESOLUTION=1x", "#EXT-X-PART:", "#EXT-X-DATERANGE:"),
    "#EXT-X-PROGRAM-DATE-TIME:x",
)
HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"


def media(text: str, rules: SourceRules = RULES) -> MediaPlaylist:
    said = read_playlist((HEAD + text).encode(), URL, rules)
    assert isinstance(said, MediaPlaylist)
    return said


def test_segments_have_numbers_and_addresses() -> None:
    said = media("#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\n/b.ts\n#EXT-X-ENDLIST\n")
    first, second = said.segments
    assert (first.number, first.piece.url.text, first.is_cut) == (7, "https://live.example/show/a.ts", False)
    assert (second.number, second.piece.url.text, second.is_cut) == (8, "https://live.example/b.ts", True)
    assert said.is_over
    assert said.target_seconds == 4


def test_segments_of_fmp4_have_a_header_and_parts_of_files() -> None:
    said = media(
        '#EXT-X-MAP:URI="all.mp4",BYTERANGE="700@0"\n'
        "#EXTINF:4,\n#EXT-X-BYTERANGE:1000@700\nall.mp4\n#EXTINF:4,\n#EXT-X-BYTERANGE:900\nall.mp4\n"
    )
    assert [segment.piece.span for segment in said.segments] == [(700, 1000), (1700, 900)]
    assert said.segments[0].header is not None
    assert said.segments[0].header.span == (0, 700)
    assert not said.is_over


def test_a_segment_that_is_missing_is_left_out() -> None:
    said = media("#EXTINF:4,\na.ts\n#EXT-X-GAP\n#EXTINF:4,\nb.ts\n#EXTINF:4,\nc.ts\n")
    assert [segment.number for segment in said.segments] == [0, 2]


@pytest.mark.parametrize(
    "line",
    [
        "#EXTINF:4,\nfile:///etc/passwd",
        "#EXTINF:4,\nrtmp://live.example/a",
        "#EXTINF:4,\nconcat:http://a/b|file:///etc/passwd",
        "#EXTINF:4,\ndata:video/mp2t;base64,R0==",
        "#EXTINF:4,\nindex.m3u8?token=secret",
        "#EXTINF:4,\nhttp://[::1/a.ts",
        '#EXT-X-MAP:URI="file:///etc/passwd"\n#EXTINF:4,\na.ts',
        '#EXT-X-KEY:METHOD=AES-128,URI="https://k/ey"\n#EXTINF:4,\na.ts',
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://k"\n#EXTINF:4,\na.ts',
        "#EXTINF:4,\n#EXT-X-BYTERANGE:x@1\na.ts",
        "#EXTINF:4,\n#EXT-X-BYTERANGE:-5@1\na.ts",
        "#EXTINF:4,\n" + "a" * 5000,
        "#EXT-X-STREAM-INF:BANDWIDTH=1\nfile:///etc/passwd",
    ],
)
def test_what_must_not_be_fetched_is_refused_without_telling_a_path(line: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_playlist((HEAD + line + "\n").encode(), URL, RULES)
    assert refused.value.code == "source-refused"
    assert "secret" not in str(refused.value)
    assert "passwd" not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "#EXTINF:4,\nhttp://live.example/a.ts",
        '#EXT-X-MAP:URI="http://live.example/a.mp4"\n#EXTINF:4,\na.ts',
        "#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://live.example/v.m3u8",
    ],
)
def test_a_playlist_leads_only_where_sources_may_be(line: str) -> None:
    assert read_playlist((HEAD + line + "\n").encode(), URL, RULES)
    with pytest.raises(Rejected, match="VISAVIS_SOURCE_SCHEMES"):
        read_playlist((HEAD + line + "\n").encode(), URL, SourceRules(schemes=("https", "rtmp")))


def test_more_segments_than_wanted_are_refused() -> None:
    with pytest.raises(Rejected, match="source_segments"):
        media("#EXTINF:4,\na.ts\n" * 5, SourceRules(limits=IngestLimits(source_segments=4)))


def test_the_largest_variant_that_fits_is_chosen() -> None:
    text = "#EXTM3U\n" + "".join(
        f"#EXT-X-STREAM-INF:BANDWIDTH={bits},RESOLUTION={width}x{height}\n{name}.m3u8\n"
        for name, width, height, bits in [
            ("small", 640, 360, 1),
            ("wide", 1280, 720, 5),
            ("rich", 1280, 720, 9),
            ("huge", 7680, 4320, 99),
        ]
    )
    master = read_playlist(text.encode(), URL, RULES)
    assert isinstance(master, MasterPlaylist)
    assert choose_variant(master, RULES.limits).url.text == "https://live.example/show/rich.m3u8"
    with pytest.raises(Rejected, match="max_pixels"):
        choose_variant(master, IngestLimits(max_pixels=1000))


def test_sound_in_a_playlist_of_its_own_is_told() -> None:
    text = (
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="a.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nv.m3u8\n'
    )
    master = read_playlist(text.encode(), URL, RULES)
    assert isinstance(master, MasterPlaylist)
    assert choose_variant(master, RULES.limits).has_sound_apart


@pytest.mark.parametrize("body", [b"", b"<html>", b"#EXTM3U\n\xff\xfe", b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n"])
def test_what_is_no_playlist_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected):
        read_playlist(body, URL, RULES)


@given(st.lists(st.sampled_from(SCRAPS)))
def test_any_playlist_is_read_or_refused(parts: list[str]) -> None:
    try:
        read_playlist((HEAD + "".join(parts)).encode(), URL, RULES)
    except Rejected:
        return
