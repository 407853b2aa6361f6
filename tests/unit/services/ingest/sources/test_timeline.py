"""services/ingest/sources/timeline.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.messages.source import TICKS, Kind, SourcePacket
from services.ingest.sources.timeline import SourceTimeline

FRAME, PIECE = 3600, 1920
HOUR = 3600 * TICKS


def video(dts: int, leg: int = 0, pts: int | None = None) -> SourcePacket:
    return SourcePacket(Kind.VIDEO, dts if pts is None else pts, dts, FRAME, False, b"x", leg)


def sound(dts: int, leg: int = 0) -> SourcePacket:
    return SourcePacket(Kind.SOUND, dts, dts, PIECE, True, b"x", leg)


def placed(*packets: SourcePacket) -> list[int]:
    timeline = SourceTimeline()
    return [timeline.place(packet).dts for packet in packets]


def test_a_source_begins_at_nought_wherever_its_clock_is() -> None:
    assert placed(*(video(HOUR + n * FRAME) for n in range(3))) == [0, FRAME, 2 * FRAME]


def test_a_new_leg_goes_on_after_the_old_one() -> None:
    assert placed(video(0), video(FRAME), video(HOUR, 1), video(HOUR + FRAME, 1)) == [n * FRAME for n in range(4)]


def test_times_that_jump_back_go_on() -> None:
    assert placed(video(HOUR), video(HOUR + FRAME), video(0), video(FRAME)) == [n * FRAME for n in range(4)]


def test_times_that_jump_far_ahead_go_on() -> None:
    assert placed(video(0), video(FRAME), video(HOUR), video(HOUR + FRAME)) == [n * FRAME for n in range(4)]


def test_a_short_gap_stays_a_gap() -> None:
    assert placed(video(0), video(5 * TICKS)) == [0, 5 * TICKS]


def test_sound_follows_a_jump_of_the_video_and_keeps_its_distance() -> None:
    timeline = SourceTimeline()
    for packet in (video(HOUR), sound(HOUR + 100), video(HOUR + FRAME), sound(HOUR + 100 + PIECE)):
        timeline.place(packet)
    film, heard = timeline.place(video(0)), timeline.place(sound(100))
    assert film.dts == 2 * FRAME
    assert heard.dts - film.dts == 100
    film, heard = timeline.place(video(FRAME)), timeline.place(sound(100 + PIECE))
    assert film.dts == 3 * FRAME
    assert heard.dts == 2 * FRAME + 100 + PIECE


def test_frames_out_of_order_keep_their_order_of_presentation() -> None:
    timeline = SourceTimeline()
    shown = [timeline.place(video(n * FRAME, pts=n * FRAME + late)).pts for n, late in enumerate((7200, 14400, 0))]
    assert shown == [7200, 18000, 7200]


@given(
    st.lists(
        st.tuples(st.sampled_from(Kind), st.integers(-(1 << 62), 1 << 62), st.integers(-(1 << 62), 1 << 62)),
        max_size=40,
    ),
    st.data(),
)
def test_whatever_a_source_says_times_grow_and_no_frame_is_shown_before_it_is_decoded(
    said: list[tuple[Kind, int, int]], data: st.DataObject
) -> None:
    timeline, leg = SourceTimeline(), 0
    last = dict.fromkeys(Kind, -1)
    for kind, pts, dts in said:
        leg += data.draw(st.integers(0, 1))
        out = timeline.place(SourcePacket(kind, pts, dts, 0, False, b"x", leg))
        assert out.dts > last[kind]
        assert 0 <= out.pts - out.dts <= 5 * TICKS
        last[kind] = out.dts


@given(st.lists(st.integers(-(1 << 62), 1 << 62), min_size=1, max_size=60))
def test_no_jump_makes_the_timeline_longer_than_the_longest_gap_allows(times: list[int]) -> None:
    out = placed(*map(video, times))
    assert out[-1] <= len(times) * 10 * TICKS
