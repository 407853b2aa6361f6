"""services/ingest/videos/planning.py"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.limits import IngestLimits
from services.ingest.videos import planning
from services.ingest.videos.file import VideoFile
from services.ingest.videos.planning import cut, plan_video
from shared.model.errors import Rejected
from shared.model.media import Plan, Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    MakeVideo = Callable[..., Path]

LIMITS = IngestLimits()
KEYS = {"g": "25", "keyint_min": "25", "sc_threshold": "0"}
"""A key frame a second, and nowhere else."""
LONG = {"frames": 250, "options": {**KEYS, "bf": "3"}}


def planned(path: Path, seconds: float = 3.0, limits: IngestLimits = LIMITS) -> Plan:
    return plan_video(path, limits, seconds, 0.5, lambda: None)


def every(step: int, end: int) -> NDArray[np.int64]:
    return np.arange(0, end, step, dtype=np.int64)


def test_a_segment_is_read_from_a_key_frame_and_shown_when_it_is_warm() -> None:
    assert cut(every(1, 100), every(10, 100), longest=40, warm=5, shortest=4) == (
        Span(begins=0, start=0, end=45, first=0, warm=0, frames=45),
        Span(begins=40, start=45, end=85, first=40, warm=5, frames=40),
        Span(begins=80, start=85, end=None, first=80, warm=5, frames=15),
    )


def test_where_key_frames_are_rare_a_segment_is_longer() -> None:
    spans = cut(every(1, 300), np.array([0, 90, 180]), longest=40, warm=5, shortest=4)
    assert [span.begins for span in spans] == [0, 90, 180]


def test_frames_between_which_time_passes_unevenly_are_counted_one_by_one() -> None:
    pts = np.array([0, 3, 4, 50, 51, 70, 100, 140])
    first, second = cut(pts, np.array([0, 50]), longest=60, warm=15, shortest=4)
    assert (first.frames, first.end) == (5, 70)
    assert (second.first, second.warm, second.frames, second.start) == (3, 2, 3, 70)


@pytest.mark.parametrize(
    ("frames", "keys"),
    [(40, [0, 20]), (41, [0, 20]), (300, [0]), (300, [0, 3]), (300, [0, 292])],
    ids=["short", "just as long", "one key frame", "a key frame too soon", "a key frame too late"],
)
def test_what_is_not_worth_cutting_has_no_spans(frames: int, keys: list[int]) -> None:
    assert cut(every(1, frames), np.array(keys), longest=40, warm=5, shortest=4) == ()


# No subnormal numbers: ONNX Runtime has the threads that it ran in before take them for 0.
@given(
    steps=st.lists(st.integers(1, 40), min_size=2, max_size=200),
    key=st.lists(st.booleans(), min_size=200, max_size=200),
    longest=st.integers(1, 400),
    shortest=st.floats(0, 60, allow_subnormal=False),
    share=st.floats(0, 1, allow_subnormal=False),
)
def test_spans_have_every_frame_once(
    steps: list[int], key: list[bool], longest: int, shortest: float, share: float
) -> None:
    """A warm-up that is no longer than the shortest segment, as both are chosen."""
    pts = np.cumsum(steps).astype(np.int64)
    keys = pts[[number == 0 or key[number] for number in range(len(pts))]]
    warm = int(share * shortest)
    spans = cut(pts, keys, longest, warm, shortest)
    assert len(spans) != 1
    if not spans:
        return
    assert (spans[0].first, spans[0].warm, spans[-1].end) == (0, 0, None)
    assert sum(span.frames for span in spans) == len(pts)
    for span in spans:
        assert span.begins in keys
        assert pts[span.first] == span.begins
        assert pts[span.first + span.warm] == span.start
        assert span.frames > 0
        assert not span.first or span.start >= span.begins + warm
    for one, next_one in pairwise(spans):
        assert one.end == next_one.start
        assert one.first + one.warm + one.frames == next_one.first + next_one.warm
        assert next_one.begins - one.begins >= shortest
        between = keys[(keys >= one.begins + max(shortest, 1)) & (keys < next_one.begins)]
        assert next_one.begins - one.begins <= longest or not len(between)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov"])
@pytest.mark.parametrize("more", ["", "open-gop=1", "intra-refresh=1:bframes=0"])
def test_a_real_clip_is_cut_where_its_frames_are(make_video: MakeVideo, name: str, more: str) -> None:
    path = make_video(name, frames=250, options={**KEYS, "bf": "3", "x264-params": more})
    plan = planned(path)
    with VideoFile(path, LIMITS) as video:
        times = [frame.pts for frame in video.frames()]
        assert plan.facts == video.facts
    assert plan.segments >= 3
    assert sum(span.frames for span in plan.spans) == 250
    tick = Fraction(*plan.facts.time_base)
    for span in plan.spans:
        assert times[span.first] == span.begins
        assert times[span.first + span.warm] == span.start
        ends = span.first + span.warm + span.frames
        assert span.end == (times[ends] if ends < 250 else None)
        assert not span.first or Fraction(1, 2) <= (span.start - span.begins) * tick <= Fraction(6, 10)


@pytest.mark.parametrize("codec", ["libx265", "libvpx-vp9", "libsvtav1"])
def test_newer_codecs_are_cut_too(make_video: MakeVideo, codec: str) -> None:
    options = {
        "libx265": {"x265-params": "keyint=25:min-keyint=25:scenecut=0:log-level=none"},
        "libvpx-vp9": {"g": "25", "deadline": "realtime", "cpu-used": "8"},
        "libsvtav1": {"g": "25", "preset": "12"},
    }[codec]
    plan = planned(make_video("clip.mkv", codec=codec, frames=150, options=options))
    assert plan.segments >= 2
    assert sum(span.frames for span in plan.spans) == 150


def test_what_begins_later_than_at_zero_is_cut(make_video: MakeVideo) -> None:
    plan = planned(make_video("clip.mp4", pts=list(range(50, 300)), **LONG))
    assert plan.segments == 3
    assert plan.spans[0].begins * Fraction(*plan.facts.time_base) == 2


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("clip.avi", {"codec": "mpeg4", "options": {"g": "25"}}),
        ("clip.avi", {"options": {**KEYS, "bf": "0"}}),
        ("clip.gif", {"codec": "gif", "pix_fmt": "rgb8", "options": {}}),
        ("clip.mp4", {"codec": "mpeg4", "options": {"g": "25"}}),
        ("clip.mkv", {"codec": "ffv1", "options": {"g": "25"}}),
    ],
)
def test_what_does_not_say_where_it_can_be_cut_stays_whole(
    make_video: MakeVideo, name: str, wanted: dict[str, Any]
) -> None:
    plan = planned(make_video(name, frames=250, **wanted))
    assert (plan.spans, plan.segments) == ((), 1)
    assert plan.facts.geometry.width == 64


def test_an_edit_list_that_leaves_frames_out_stays_whole(make_video: MakeVideo) -> None:
    """Which frames it leaves out is for the one reader of the whole to say."""
    path = make_video("clip.mp4", pts=list(range(-10, 240)), container={"avoid_negative_ts": "disabled"}, **LONG)
    with av.open(str(path)) as container:
        assert any(packet.is_discard for packet in container.demux(video=0))
    assert planned(path).spans == ()


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_file_that_ends_early_stays_whole(make_video: MakeVideo, name: str) -> None:
    container = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = make_video(name, container=container, **LONG)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])
    plan = planned(path)
    assert plan.spans == ()
    assert plan.facts.geometry.width == 64


def test_a_file_whose_end_is_noise_stays_whole(make_video: MakeVideo) -> None:
    path = make_video("clip.mp4", container={"movflags": "frag_keyframe+empty_moov"}, **LONG)
    body = path.read_bytes()
    kept = len(body) * 6 // 10
    path.write_bytes(body[:kept] + b"\x5a" * (len(body) - kept))
    assert planned(path).spans == ()


def test_what_does_not_begin_with_a_key_frame_stays_whole(make_video: MakeVideo, tmp_path: Path) -> None:
    path, clip = tmp_path / "cut.mkv", make_video("clip.mkv", **LONG)
    with av.open(str(clip), "r") as whole, av.open(str(path), "w") as late:
        stream = late.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if packet.size and number >= 5:
                packet.stream = stream
                late.mux_one(packet)
    assert planned(path).spans == ()


def test_frames_that_are_shown_at_one_time_stay_together(make_video: MakeVideo, tmp_path: Path) -> None:
    path, clip = tmp_path / "twice.mkv", make_video("clip.mkv", frames=250, options={**KEYS, "bf": "0"})
    with av.open(str(clip), "r") as whole, av.open(str(path), "w") as twice:
        stream = twice.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if packet.size:
                packet.stream = stream
                packet.pts = packet.dts = (number - (number == 120)) * 40
                twice.mux_one(packet)
    assert planned(path).spans == ()


def test_nothing_is_cut_where_nobody_asks_for_it(make_video: MakeVideo) -> None:
    path = make_video("clip.mp4", **LONG)
    assert planned(path, seconds=0).spans == ()
    assert planned(path, seconds=20).spans == ()


def test_it_goes_on_by_packets(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_REPORT_EVERY", 100)
    said: list[str] = []
    plan_video(make_video("clip.mp4", **LONG), LIMITS, 3, 0.5, lambda: said.append("on"))
    assert said == ["on", "on"]


@pytest.mark.parametrize("limits", [{"max_frames": 200}, {"max_seconds": 5}])
def test_what_claims_to_pass_a_limit_is_refused(make_video: MakeVideo, limits: dict[str, int]) -> None:
    with pytest.raises(Rejected, match=next(iter(limits))):
        planned(make_video("clip.mp4", **LONG), limits=IngestLimits(**limits))


def test_what_passes_the_limit_of_frames_unsaid_is_left_to_its_reader(make_video: MakeVideo) -> None:
    path = make_video("clip.mkv", **LONG)
    assert planned(path, limits=IngestLimits(max_frames=249)).spans == ()
    assert planned(path, limits=IngestLimits(max_frames=250)).segments == 3
