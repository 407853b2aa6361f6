"""services/ingest/videos/file.py, with services/ingest/videos/demuxing.py and services/ingest/admission.py"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import numpy as np
import pytest

from services.ingest.limits import IngestLimits
from services.ingest.videos.file import VideoFile
from services.ingest.videos.planning import plan_video
from shared.model.errors import Rejected
from shared.model.media import Span
from shared.model.pictures import Colour, Matrix, Picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.model.media import DecodeSummary, VideoFacts

    MakeVideo = Callable[..., Path]

LIMITS = IngestLimits()


def read(path: Path, limits: IngestLimits = LIMITS) -> tuple[list[Picture], list[int], DecodeSummary]:
    pictures, times = [], []
    with VideoFile(path, limits) as video:
        for frame in video.frames():
            picture = Picture.blank(video.facts.geometry, video.facts.colour)
            frame.write_into(picture)
            pictures.append(picture)
            times.append(frame.pts)
        return pictures, times, video.summary


def refusal(path: Path, limits: IngestLimits = LIMITS) -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(path, limits)
    return caught.value


def luma(picture: Picture, x: float, y: float) -> int:
    plane = picture.planes[0]
    return int(plane[int(y * plane.shape[0]), int(x * plane.shape[1])])


def test_planes_are_bit_equal_to_what_ffmpeg_decodes(clips: Path) -> None:
    pictures, times, summary = read(clips / "two_heads.mp4")
    with av.open(str(clips / "two_heads.mp4")) as container:
        frames = list(container.decode(video=0))
    assert times == [frame.pts for frame in frames]
    assert (summary.frames, summary.damaged_packets, summary.ended_early, summary.notice) == (56, 0, False, "")
    for picture, frame in zip(pictures, frames, strict=True):
        ours = np.concatenate([plane.ravel() for plane in picture.planes])
        assert np.array_equal(ours, frame.to_ndarray().ravel())


@pytest.mark.parametrize(
    ("rotation", "mirrored", "square"),
    [
        (0, False, "left top"),
        (90, False, "left bottom"),
        (180, False, "right bottom"),
        (270, False, "right top"),
        (0, True, "right top"),
        (90, True, "right bottom"),
    ],
)
def test_frames_are_upright(make_video: MakeVideo, rotation: int, mirrored: bool, square: str) -> None:
    path = make_video("clip.mp4", rotation=rotation, mirrored=mirrored, aspect=Fraction(4, 3), frames=2)
    pictures, _, _ = read(path)
    corners = {
        f"{side} {end}": luma(pictures[0], x, y)
        for side, x in (("left", 0.1), ("right", 0.9))
        for end, y in (("top", 0.1), ("bottom", 0.9))
    }
    with VideoFile(path, LIMITS) as video:
        turned = rotation in {90, 270}
        assert (video.facts.geometry.width, video.facts.geometry.height) == ((48, 64) if turned else (64, 48))
        assert video.facts.sample_aspect == ((3, 4) if turned else (4, 3))
    assert max(corners, key=corners.__getitem__) == square


def test_odd_sizes_keep_every_sample(make_video: MakeVideo) -> None:
    path = make_video("clip.avi", codec="ffv1", size=(61, 47), frames=2)
    pictures, _, _ = read(path)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    assert [plane.shape for plane in pictures[0].planes] == [(47, 61), (24, 31), (24, 31)]
    for ours, plane in zip(pictures[0].planes, frame.planes, strict=True):
        theirs = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        assert np.array_equal(ours, theirs[: plane.height, : plane.width])


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "name"),
    [
        ("libx264", "yuv420p10le", "c.mkv"),
        ("libx264", "yuv422p", "c.mp4"),
        ("libx264", "yuv444p", "c.mp4"),
        ("ffv1", "yuv422p10le", "c.mkv"),
        ("ffv1", "bgr0", "c.mkv"),
        ("ffv1", "yuva420p", "c.mkv"),
        ("mjpeg", "yuvj422p", "c.avi"),
        ("mjpeg", "yuvj420p", "c.avi"),
        ("png", "rgba", "c.mov"),
        ("ffv1", "gray", "c.mkv"),
        ("ffv1", "gray10le", "c.mkv"),
    ],
)
def test_every_layout_keeps_its_light(make_video: MakeVideo, codec: str, pix_fmt: str, name: str) -> None:
    """The bright square and the dark ground come out as FFmpeg itself shows them."""
    lossless = {"qp": "0"} if codec == "libx264" else {}
    path = make_video(name, codec=codec, pix_fmt=pix_fmt, frames=2, options=lossless)
    picture = read(path)[0][0]
    seen = av.VideoFrame.from_ndarray(
        np.concatenate([plane.ravel() for plane in picture.planes]).reshape(72, 64), "yuv420p"
    )
    with VideoFile(path, LIMITS) as video:
        seen.color_range = 2 if video.facts.colour.full_range else 1
        seen.colorspace = 6
    shown = seen.to_ndarray(format="rgb24").astype(int)
    assert np.abs(shown[2:10, 2:14] - 240).max() <= 4
    assert np.abs(shown[24:, 40:] - (0, 0, 0)).max() <= 4 or "gray" in pix_fmt


@pytest.mark.parametrize(
    ("tags", "colour"),
    [
        ((1, 1, 1, 1), Colour(Matrix.BT709)),
        ((6, 6, 6, 1), Colour(Matrix.BT601)),
        ((9, 14, 9, 2), Colour(Matrix.BT2020, full_range=True)),
    ],
)
def test_colour_tags_survive(make_video: MakeVideo, tags: tuple[int, ...], colour: Colour) -> None:
    with VideoFile(make_video("clip.mp4", colour=tags), LIMITS) as video:
        facts = video.facts
    assert facts.colour == colour
    assert (facts.colour_primaries, facts.colour_transfer, facts.colour_matrix) == tags[:3]


def test_variable_times_survive(make_video: MakeVideo) -> None:
    wanted = [0, 7, 100, 101, 250, 900]
    path = make_video("clip.mp4", frames=6, pts=wanted, time_base=Fraction(1, 600), options={"bf": "2"})
    with VideoFile(path, LIMITS) as video:
        unit = Fraction(*video.facts.time_base)
        assert [frame.pts * unit for frame in video.frames()] == [Fraction(pts, 600) for pts in wanted]


@pytest.mark.parametrize(("flags", "order"), [({"x264-params": "tff=1"}, 1), ({"x264-params": "bff=1"}, 2), ({}, 0)])
def test_the_field_order_is_told(make_video: MakeVideo, flags: dict[str, str], order: int) -> None:
    with VideoFile(make_video("clip.mkv", options=flags), LIMITS) as video:
        assert video.facts.field_order == order


def test_a_size_that_changes_in_mid_stream_is_scaled_to_the_first(make_video: MakeVideo, tmp_path: Path) -> None:
    streams = [make_video(f"{size}.h264", size=(size, 48), frames=5, format="h264") for size in (64, 96)]
    path = tmp_path / "changing.mkv"
    with av.open(str(path), "w") as target:
        with av.open(str(streams[0])) as first:
            stream = target.add_stream_from_template(first.streams.video[0], opaque=True)
        for number, part in enumerate(streams):
            with av.open(str(part)) as container:
                for index, packet in enumerate(p for p in container.demux(video=0) if p.size):
                    packet.stream, packet.time_base = stream, Fraction(1, 25)
                    packet.pts = packet.dts = number * 5 + index
                    packet.duration = 1
                    target.mux_one(packet)
    pictures, _, summary = read(path)
    assert summary.frames == 10
    assert {picture.planes[0].shape for picture in pictures} == {(48, 64)}
    assert luma(pictures[-1], 0.1, 0.1) > 200 > luma(pictures[-1], 0.9, 0.9)


def test_an_animated_gif_is_read(make_video: MakeVideo) -> None:
    pictures, _, summary = read(make_video("clip.gif", codec="gif", pix_fmt="rgb8"))
    assert summary.frames == 12
    assert luma(pictures[0], 0.1, 0.1) > 200


def test_ten_thousand_images_are_refused_by_counting(make_video: MakeVideo) -> None:
    path = make_video("clip.gif", codec="gif", pix_fmt="rgb8", frames=3)
    head, tail = path.read_bytes()[:-1].rsplit(b"\x21\xf9", 1)
    path.write_bytes(head + (b"\x21\xf9" + tail) * 10_000 + b"\x3b")
    error = refusal(path)
    assert (error.code, "2000 frames (max_animation_frames)" in error.detail) == ("too-long", True)


def test_damage_in_the_middle_costs_little(make_video: MakeVideo) -> None:
    path = make_video("clip.mkv", frames=60, options={"g": "12", "bf": "0"}, paint=noise)
    body = bytearray(path.read_bytes())
    middle = len(body) // 2
    body[middle : middle + 400] = b"\x5a" * 400
    path.write_bytes(body)
    _, times, summary = read(path)
    assert 45 <= summary.frames <= 60
    assert summary.damaged_packets > 0
    assert "damaged in" in summary.notice
    assert times == sorted(set(times))


def test_what_comes_before_the_first_key_frame_is_not_shown_as_gray(make_video: MakeVideo, tmp_path: Path) -> None:
    path, clip = tmp_path / "cut.mkv", make_video("clip.mkv", frames=30, options={"g": "12", "sc_threshold": "0"})
    with av.open(str(clip), "r") as whole, av.open(str(path), "w") as cut:
        stream = cut.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if packet.size and number >= 5:
                packet.stream = stream
                cut.mux_one(packet)
    pictures, times, summary = read(path)
    assert times[0] == 480
    assert luma(pictures[0], 0.1, 0.1) > 200
    assert (summary.frames, summary.damaged_packets) == (18, 7)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_a_file_that_ends_early_gives_what_is_there(make_video: MakeVideo, name: str) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    wanted = {"container": {"movflags": "faststart"}} if name.endswith("mp4") else {}
    path = make_video(name, frames=60, codec=codec, options={"bf": "0"}, paint=noise, **wanted)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    _, _, summary = read(path)
    assert 20 < summary.frames < 50
    assert summary.ended_early
    assert summary.notice.startswith(f"The file ends early: {summary.frames}")


def test_text_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("dear reader, this is no film\n" * 40)
    assert refusal(path).code == "unsupported-media"


def test_an_empty_file_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.touch()
    assert refusal(path).detail == "The file is empty."


@pytest.mark.parametrize("body", ["#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n"])
def test_a_playlist_is_no_video(tmp_path: Path, body: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_text(body)
    assert refusal(path).code == "unsupported-media"


def test_a_file_without_its_index_is_refused(make_video: MakeVideo) -> None:
    path = make_video("clip.mp4")
    path.write_bytes(path.read_bytes().split(b"moov")[0])
    assert refusal(path).code == "damaged-media"


def test_sound_alone_is_refused(make_video: MakeVideo) -> None:
    error = refusal(make_video("clip.mp4", codec=None, audio="aac"))
    assert (error.code, "only sound" in error.detail) == ("no-video", True)


def test_no_frames_are_refused(make_video: MakeVideo) -> None:
    assert refusal(make_video("clip.mkv", frames=0)).code == "damaged-media"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_pixels": 3071}, "too-large"),
        ({"max_file_bytes": 100}, "too-large"),
        ({"min_side": 49}, "too-small"),
        ({"max_frames": 59}, "too-long"),
        ({"max_seconds": 2}, "too-long"),
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_what_passes_a_limit_is_refused_by_its_name(
    make_video: MakeVideo, name: str, limits: dict[str, int], code: str
) -> None:
    error = refusal(make_video(name, frames=60), IngestLimits(**limits))
    assert error.code == code
    assert f"({next(iter(limits))})" in error.detail


def test_one_pixel_is_too_small(make_video: MakeVideo) -> None:
    error = refusal(make_video("clip.mkv", codec="ffv1", pix_fmt="yuv444p", size=(1, 1)))
    assert (error.code, "(min_side)" in error.detail) == ("too-small", True)


def noise(index: int, width: int, height: int) -> Any:
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), np.uint8)


class CountedVideo(VideoFile):
    """Counts how often the file is opened: a second time where it has to be read from its start."""

    opens = 0

    def _open(self, stack: Any) -> None:
        self.opens += 1
        super()._open(stack)


class ReadPart(NamedTuple):
    """What a span gave."""

    frames: list[tuple[int, int, bytes]]
    """Their pts, duration and samples."""
    summary: DecodeSummary
    opens: int


def read_part(path: Path, fit: VideoFacts | None = None, span: Span | None = None, threads: int = 1) -> ReadPart:
    with CountedVideo(path, LIMITS, threads, fit=fit, span=span) as video:
        frames = []
        for frame in video.frames():
            picture = Picture.blank(video.facts.geometry, video.facts.colour)
            frame.write_into(picture)
            frames.append((frame.pts, frame.duration, b"".join(plane.tobytes() for plane in picture.planes)))
        return ReadPart(frames, video.summary, video.opens)


def drifting(index: int, width: int, height: int) -> Any:
    """A bright patch drifts over noise that stays: a frame that is guessed without its key frame is not the same."""
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    left = index * 2 % (width - 16)
    image[8:24, left : left + 16] = index * 5 % 256
    return image


KEYS = {"g": "25", "keyint_min": "25", "sc_threshold": "0"}


def long_clip(make_video: MakeVideo, name: str = "clip.mp4", **wanted: Any) -> Path:
    return make_video(name, **{"frames": 250, "paint": drifting, "options": {**KEYS, "bf": "3"}, **wanted})


def read_in_parts(path: Path, threads: int = 1) -> list[ReadPart]:
    """Every part as planned; together they are the whole, and each is warmed up with the frames before it."""
    whole = read_part(path)
    plan = plan_video(path, LIMITS, 3.0, 0.7, lambda: None)
    assert plan.segments > 1
    parts = [read_part(path, plan.facts, span, threads) for span in plan.spans]
    own = []
    for span, part in zip(plan.spans, parts, strict=True):
        starts = next(number for number, frame in enumerate(whole.frames) if frame[0] >= span.start)
        warm = [frame for frame in part.frames if frame[0] < span.start]
        assert warm == whole.frames[starts - len(warm) : starts]
        own += [frame for frame in part.frames if frame[0] >= span.start]
    assert own == whole.frames
    assert sum(part.summary.damaged_packets for part in parts) == whole.summary.damaged_packets
    return parts


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("clip.mp4", {}),
        ("clip.mkv", {}),
        ("clip.mov", {}),
        ("clip.mp4", {"options": {**KEYS, "bf": "3", "x264-params": "open-gop=1:b-pyramid=normal"}}),
        ("clip.mkv", {"options": {**KEYS, "bf": "3", "x264-params": "open-gop=1"}}),
        ("clip.mkv", {"container": {"live": "1"}}),
        ("clip.mp4", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
        ("clip.mp4", {"options": {"g": "2", "keyint_min": "1", "bf": "2"}}),
        ("clip.mp4", {"options": {"g": "1"}}),
        ("clip.mp4", {"audio": "aac"}),
        ("clip.mp4", {"pts": [n * 24 + n % 7 + 500 * (n > 90) for n in range(250)], "time_base": Fraction(1, 600)}),
        ("clip.mp4", {"pts": list(range(70, 320))}),
        ("clip.mp4", {"codec": "libx265", "options": {"x265-params": "keyint=25:open-gop=1:bframes=3:log-level=none"}}),
        ("clip.webm", {"codec": "libvpx-vp9", "options": {"g": "25", "cpu-used": "8", "lag-in-frames": "16"}}),
        ("clip.mkv", {"codec": "libsvtav1", "options": {"g": "25", "preset": "12"}}),
    ],
    ids=[
        "MP4", "Matroska", "QuickTime", "open GOPs", "open GOPs in Matroska", "no cues", "fragments", "short GOPs",
        "key frames only", "sound", "variable times", "a late beginning", "HEVC", "VP9", "AV1",
    ],
)  # fmt: skip
def test_all_parts_together_are_the_video(make_video: MakeVideo, name: str, wanted: dict[str, Any]) -> None:
    parts = read_in_parts(long_clip(make_video, name, **wanted))
    assert {part.opens for part in parts} == {1}
    assert {part.summary.damaged_packets for part in parts} == {0}
    assert not any(part.summary.ended_early for part in parts)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_picture_that_builds_up_over_many_frames_is_read_from_the_start(make_video: MakeVideo, name: str) -> None:
    """Where intra blocks take the place of key frames, what calls itself one shows gray."""
    parts = read_in_parts(long_clip(make_video, name, options={"g": "25", "x264-params": "intra-refresh=1"}))
    assert [part.opens for part in parts] == [1, *[2] * (len(parts) - 1)]
    assert {part.summary.damaged_packets for part in parts} == {0}


def test_parts_are_the_same_with_several_threads(make_video: MakeVideo) -> None:
    path = long_clip(make_video, options={**KEYS, "bf": "3", "x264-params": "open-gop=1:sliced-threads=1"})
    assert [part.frames for part in read_in_parts(path, threads=3)] == [part.frames for part in read_in_parts(path)]


def test_parts_are_upright_too(make_video: MakeVideo) -> None:
    path = long_clip(make_video, rotation=90)
    read_in_parts(path)
    plan = plan_video(path, LIMITS, 3.0, 0.7, lambda: None)
    assert (plan.facts.geometry.width, plan.facts.geometry.height) == (48, 64)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_what_is_called_a_key_frame_and_is_none_does_no_harm(
    make_video: MakeVideo, tmp_path: Path, codec: str, name: str
) -> None:
    params = "bframes=0:keyint=250:scenecut=0" + (":log-level=none" if codec == "libx265" else "")
    clip = long_clip(make_video, "c" + name, codec=codec, options={codec[3:] + "-params": params})
    path = tmp_path / name
    with av.open(str(clip)) as honest, av.open(str(path), "w") as lying:
        stream = lying.add_stream_from_template(honest.streams.video[0])
        for number, packet in enumerate(honest.demux(video=0)):
            if packet.size:
                packet.is_keyframe = number % 20 == 0
                packet.stream = stream
                lying.mux_one(packet)
    whole, facts = read_part(path), VideoFile(path, LIMITS)
    facts.close()
    for first in (20, 100, 120):
        span = Span(whole.frames[first][0], whole.frames[first + 5][0], whole.frames[first + 60][0], first, 5, 55)
        assert read_part(path, facts.facts, span).frames == whole.frames[first : first + 60]


def test_a_part_may_begin_between_key_frames(make_video: MakeVideo) -> None:
    path = long_clip(make_video)
    whole = read_part(path)
    span = Span(whole.frames[110][0], whole.frames[113][0], None, 110, 3, 137)
    part = read_part(path, span=span)
    assert part.frames == whole.frames[110:]
    assert part.summary.frames == 140


def packets_of(path: Path) -> list[tuple[int, int, int]]:
    """Of each its pts, and where and how large it is in the file."""
    with av.open(str(path)) as container:
        return [(packet.pts or 0, packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
@pytest.mark.parametrize("place", ["the key frame", "the warm-up", "around the cut"])
def test_damage_costs_parts_no_more_than_the_whole(make_video: MakeVideo, name: str, place: str) -> None:
    path = long_clip(make_video, name)
    span = plan_video(path, LIMITS, 3.0, 0.7, lambda: None).spans[1]
    first, last = {
        "the key frame": (span.begins, span.begins + 1),
        "the warm-up": (span.begins + 1, (span.begins + span.start) // 2),
        "around the cut": (span.start - (span.start - span.begins) // 8, span.start + (span.start - span.begins) // 8),
    }[place]
    body = bytearray(path.read_bytes())
    for pts, at, size in packets_of(path):
        if first <= pts < last:
            body[at + size // 2 : at + size] = b"\x5a" * (size - size // 2)
    path.write_bytes(body)
    parts = read_in_parts(path)
    assert sum(part.summary.damaged_packets for part in parts) > 0


def test_a_part_that_cannot_be_reached_is_damaged_media(make_video: MakeVideo) -> None:
    path = long_clip(make_video, frames=50)
    with VideoFile(path, LIMITS) as video:
        end = max(frame.pts for frame in video.frames()) + 1
    for begins, until in ((end, None), (-5000, -4000)):
        with pytest.raises(Rejected, match="the place where it was cut") as caught:
            read_part(path, span=Span(begins, begins, until, 50, 0, 10))
        assert caught.value.code == "damaged-media"


def test_a_part_is_counted_from_the_beginning_of_the_video(make_video: MakeVideo) -> None:
    path = long_clip(make_video, "clip.mkv", frames=100)
    whole = read_part(path)
    span = Span(whole.frames[50][0], whole.frames[50][0], None, 50, 0, 50)
    with VideoFile(path, IngestLimits(max_frames=99), span=span) as video:
        frames = video.frames()
        for _ in range(49):
            next(frames)
        with pytest.raises(Rejected, match="max_frames"):
            next(frames)


def test_a_part_of_another_size_is_made_to_fit(make_video: MakeVideo) -> None:
    path = long_clip(make_video)
    whole, other = read_part(path), long_clip(make_video, "other.mp4", size=(96, 72), frames=1)
    with VideoFile(other, LIMITS) as video:
        facts = video.facts
    span = Span(whole.frames[50][0], whole.frames[50][0], whole.frames[52][0], 50, 0, 2)
    part = read_part(path, facts, span)
    assert {len(frame[2]) for frame in part.frames} == {facts.geometry.size_bytes}
