from __future__ import annotations

from services.render.outputs.playlist import GRACE, Playlist, first_number
from services.render.outputs.segments import Init, Segment

BEGAN = 1_700_000_000.25
HEADS = [Init("init-a.mp4", b""), Init("init-b.mp4", b"")]


def segment(number: int, seconds: float = 2.0, *, head: int = 0, discontinuity: bool = False) -> Segment:
    return Segment(f"{number}.m4s", b"", seconds, BEGAN + 2 * number, HEADS[head], discontinuity)


def test_the_text_is_what_the_standard_wants() -> None:
    playlist = Playlist(2.0, 3)
    for number in range(2):
        assert playlist.add(segment(number)) == ()
    assert playlist.text.splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:2",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init-a.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.250Z",
        "#EXTINF:2.000000,",
        "0.m4s",
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.250Z",
        "#EXTINF:2.000000,",
        "1.m4s",
    ]


def test_the_end_is_said() -> None:
    playlist = Playlist(2.0, 3)
    playlist.end()
    assert playlist.text.endswith("#EXT-X-ENDLIST\n")


def test_the_window_moves_and_what_left_it_goes_after_a_while() -> None:
    playlist = Playlist(2.0, 3)
    gone = [playlist.add(segment(number)) for number in range(10)]
    assert gone[: 3 + GRACE] == [()] * (3 + GRACE)
    assert gone[3 + GRACE :] == [(f"{number}.m4s",) for number in range(4)]
    assert [line for line in playlist.text.splitlines() if line.endswith(".m4s")] == ["7.m4s", "8.m4s", "9.m4s"]
    assert "#EXT-X-MEDIA-SEQUENCE:7\n" in playlist.text


def test_a_new_head_is_named_where_it_begins_and_goes_with_the_last_that_needs_it() -> None:
    playlist = Playlist(2.0, 3)
    gone = playlist.add(segment(0))
    gone += playlist.add(segment(1))
    gone += playlist.add(segment(2, head=1, discontinuity=True))
    lines = playlist.text.splitlines()
    assert lines[lines.index("1.m4s") + 1 :][:2] == ["#EXT-X-DISCONTINUITY", '#EXT-X-MAP:URI="init-b.mp4"']
    for number in range(3, 9):
        gone += playlist.add(segment(number, head=1))
    assert gone == ("0.m4s", "1.m4s", "init-a.mp4", "2.m4s")
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1\n" in playlist.text
    assert "#EXT-X-DISCONTINUITY\n" not in playlist.text


def test_no_segment_is_longer_than_the_target_says() -> None:
    playlist = Playlist(1.5, 3)
    playlist.add(segment(0, 1.54))
    assert "#EXT-X-TARGETDURATION:2\n" in playlist.text
    playlist.add(segment(1, 3.6))
    playlist.add(segment(2, 1.5))
    assert "#EXT-X-TARGETDURATION:4\n" in playlist.text


def test_what_follows_a_lost_segment_does_not_follow_the_one_before() -> None:
    playlist = Playlist(2.0, 3)
    playlist.add(segment(0))
    playlist.skip()
    playlist.add(segment(2))
    lines = playlist.text.splitlines()
    assert lines[lines.index("0.m4s") + 1] == "#EXT-X-DISCONTINUITY"


def test_a_stream_that_goes_on_begins_above_its_old_numbers() -> None:
    began, shortest = BEGAN + 100_000_000, 0.48
    old = first_number(began)
    playlist = Playlist(2.0, 3, first_number(began + 100 * shortest), resumed=True)
    playlist.add(segment(0))
    playlist.add(segment(1))
    assert f"#EXT-X-MEDIA-SEQUENCE:{old + 192}\n" in playlist.text
    assert playlist.text.count("#EXT-X-DISCONTINUITY\n") == 1


def test_the_number_of_discontinuities_never_falls_either() -> None:
    first = first_number(BEGAN + 100_000_000)
    playlist = Playlist(2.0, 3, first, resumed=True)
    for number in range(4):
        playlist.add(segment(number, discontinuity=number < 3))
    assert f"#EXT-X-DISCONTINUITY-SEQUENCE:{first + 1}\n" in playlist.text
    assert first_number(BEGAN + 100_000_000 + 4) > first + 4
