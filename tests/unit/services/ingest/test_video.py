"""services/ingest/video.py, with services/ingest/demuxing.py and services/ingest/admission.py"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from services.ingest.limits import IngestLimits
from services.ingest.video import VideoFile
from shared.model.errors import Rejected
from shared.model.pictures import Colour, Matrix, Picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.model.media import DecodeSummary

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
