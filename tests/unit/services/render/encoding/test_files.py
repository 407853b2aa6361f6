from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import psutil
import pytest
from av.filter import Graph

from services.render.encoding.files import VideoEncoder
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.likeness import in_turn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WAYS_TO_COUNT = {
    "from zero": ((1, 15360), [512 * n for n in range(20)]),
    "from a late start": ((1, 90000), [123_456_789 + 3003 * n for n in range(20)]),
    "in units of a frame": ((1001, 30000), [37 + n for n in range(20)]),
    "in sevenths of a second": ((1, 7), list(range(20))),
    "irregularly": ((1, 1000), [5000, 5010, 5013, 5100, 5101, 5150, 5290, 5295, 5400, 5411, 5800]),
    "in microseconds for days": ((1, 1_000_000), [10**12 + 33_367 * n for n in range(20)]),
    "from before zero": ((1, 15360), [512 * n - 1024 for n in range(20)]),
}


def facts(width: int = 64, height: int = 48, **more: object) -> VideoFacts:
    geometry = Geometry(PixelFormat.I420, width, height)
    fields = {"geometry": geometry, "colour": Colour(), "time_base": (1, 15360), "frame_rate": (30, 1), **more}
    return VideoFacts(**fields)


def noise(of: VideoFacts, seed: int = 0) -> Picture:
    picture = Picture.blank(of.geometry, of.colour)
    for plane in picture.planes:
        plane[...] = np.random.default_rng(seed).integers(16, 236, plane.shape, np.uint8)
    return picture


def encode(path: Path, of: VideoFacts, pts: Sequence[int], last: int = 512, **settings: float) -> None:
    encoder = VideoEncoder(path, of, threads=1, **settings)
    durations = [*np.diff(pts).tolist(), last]
    for number, (at, duration) in enumerate(zip(pts, durations, strict=True)):
        encoder.write(noise(of, number), at, duration)
    encoder.close()


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as file:
        return list(file.decode(video=0))


@pytest.mark.parametrize("way", WAYS_TO_COUNT)
def test_every_pts_comes_back_exactly(way: str, tmp_path: Path) -> None:
    time_base, pts = WAYS_TO_COUNT[way]
    encode(tmp_path / "a.mp4", facts(time_base=time_base), pts)
    with av.open(str(tmp_path / "a.mp4")) as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
        assert sorted(packet.pts * packet.time_base for packet in packets) == [n * Fraction(*time_base) for n in pts]
        assert len({packet.dts for packet in packets}) == len(pts)


@pytest.mark.parametrize("way", [way for way in WAYS_TO_COUNT if way != "from before zero"])
def test_decoding_gives_as_many_frames_as_were_written_at_their_times(way: str, tmp_path: Path) -> None:
    time_base, pts = WAYS_TO_COUNT[way]
    encode(tmp_path / "a.mp4", facts(time_base=time_base), pts)
    assert [f.pts * f.time_base for f in decoded(tmp_path / "a.mp4")] == [n * Fraction(*time_base) for n in pts]


@pytest.mark.parametrize("way", [way for way in WAYS_TO_COUNT if way != "from before zero"])
def test_the_track_ends_when_the_last_frame_ends(way: str, tmp_path: Path) -> None:
    time_base, pts = WAYS_TO_COUNT[way]
    encode(tmp_path / "a.mp4", facts(time_base=time_base), pts, last=4321)
    with av.open(str(tmp_path / "a.mp4")) as file:
        stream = file.streams.video[0]
        assert stream.duration * stream.time_base == (pts[-1] + 4321 - pts[0]) * Fraction(*time_base)


@pytest.mark.parametrize("order", [1, 2])
def test_every_frame_says_which_field_comes_first(order: int, tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", facts(field_order=order), [512 * n for n in range(8)])
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert of_interlace_type(file, order) == 8


def of_interlace_type(file: av.container.InputContainer, kind: int) -> int:
    stream, graph = file.streams.video[0], Graph()
    source = graph.add_buffer(template=stream, time_base=stream.time_base)
    graph.link_nodes(source, graph.add("select", f"eq(interlace_type,{kind})"), graph.add("buffersink")).configure()
    count = 0
    for frame in file.decode(video=0):
        graph.vpush(frame)
        with contextlib.suppress(BlockingIOError):  # nothing was selected
            graph.vpull()
            count += 1
    return count


def test_a_single_frame_is_a_video(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", facts(), [77], last=100)
    (frame,) = decoded(tmp_path / "a.mp4")
    assert frame.pts * frame.time_base == Fraction(77, 15360)


def test_tags_of_the_source_survive(tmp_path: Path) -> None:
    source = facts(
        colour=Colour(full_range=True),
        colour_primaries=9,
        colour_transfer=16,
        colour_matrix=9,
        sample_aspect=(16, 11),
        frame_rate=(24000, 1001),
    )
    encode(tmp_path / "a.mp4", source, [0, 512, 1024])
    with av.open(str(tmp_path / "a.mp4")) as file:
        stream = file.streams.video[0]
        context = stream.codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (9, 16, 9, 2)
        assert stream.sample_aspect_ratio == Fraction(16, 11)


@pytest.mark.parametrize(("order", "expected"), [(0, 1), (1, 2), (2, 3)])
def test_the_field_order_survives(order: int, expected: int, tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", facts(field_order=order), [512 * n for n in range(8)])
    with av.open(str(tmp_path / "a.mp4")) as file:
        frames = list(file.decode(video=0))
        assert {frame.interlaced_frame for frame in frames} == {order != 0}
        assert file.streams.video[0].codec_context.field_order == expected


@pytest.mark.parametrize("size", [(64, 48), (64, 50), (62, 46), (63, 47), (1, 1), (2, 2)])
def test_lossless_encoding_gives_back_what_was_written_though_memory_was_used_again(
    size: tuple[int, int], tmp_path: Path
) -> None:
    of = facts(*size)
    encoder = VideoEncoder(tmp_path / "a.mp4", of, crf=0, threads=2)
    picture = Picture.blank(of.geometry, of.colour)
    for number in range(12):
        noise(of, number).copy_to(picture)
        encoder.write(picture, 512 * number, 512)
        for plane in picture.planes:
            plane[...] = 0
    encoder.close()
    for number, frame in enumerate(decoded(tmp_path / "a.mp4")):
        for plane, written in zip(frame.planes, noise(of, number).planes, strict=True):
            rows, columns = written.shape
            read = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            assert np.array_equal(read[:rows, :columns], written)


def test_an_odd_side_is_padded_with_its_last_samples(tmp_path: Path) -> None:
    of = facts(63, 47)
    encoder = VideoEncoder(tmp_path / "a.mp4", of, crf=0)
    encoder.write(noise(of), 0, 512)
    encoder.close()
    (frame,) = decoded(tmp_path / "a.mp4")
    luma = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(48, -1)[:, :64]
    assert np.array_equal(luma[:, 63], luma[:, 62])
    assert np.array_equal(luma[47], luma[46])


def test_a_read_only_picture_is_encoded(tmp_path: Path) -> None:
    of = facts()
    picture = Picture.over(of.geometry, of.colour, bytes(noise(of).geometry.size_bytes))
    encoder = VideoEncoder(tmp_path / "a.mp4", of)
    encoder.write(picture, 0, 512)
    encoder.close()
    assert len(decoded(tmp_path / "a.mp4")) == 1


def test_an_aborted_video_leaves_no_file(tmp_path: Path) -> None:
    encoder = VideoEncoder(tmp_path / "a.mp4", facts())
    for number in range(60):
        encoder.write(noise(facts(), number), 512 * number, 512)
    encoder.abort()
    assert list(tmp_path.iterdir()) == []


def test_aborting_before_the_first_frame_and_after_closing_leaves_no_file(tmp_path: Path) -> None:
    VideoEncoder(tmp_path / "a.mp4", facts()).abort()
    encoder = VideoEncoder(tmp_path / "b.mp4", facts())
    encoder.write(noise(facts()), 0, 512)
    encoder.close()
    encoder.abort()
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    encoder = VideoEncoder(tmp_path / "a.mp4", facts())
    with pytest.raises(ValueError, match="encoder of"):
        encoder.write(noise(facts(32, 32)), 0, 512)
    encoder.abort()


def test_memory_stays_flat_over_many_frames(tmp_path: Path) -> None:
    of = facts(320, 240)
    encoder, picture, process = VideoEncoder(tmp_path / "a.mp4", of, preset="ultrafast"), noise(of), psutil.Process()
    for number in range(200):
        encoder.write(picture, 512 * number, 512)
    before = process.memory_info().rss
    for number in range(200, 1000):
        encoder.write(picture, 512 * number, 512)
    grown = process.memory_info().rss - before
    encoder.close()
    assert grown < 100 * picture.geometry.size_bytes


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_nv12_is_encoded_as_i420_is(tmp_path: Path, size: tuple[int, int]) -> None:
    of = facts(*size)
    files = []
    for layout in (PixelFormat.I420, PixelFormat.NV12):
        these = of.laid_out(layout)
        encoder = VideoEncoder(tmp_path / f"{layout}.mp4", these, threads=1)
        for number in range(6):
            picture = noise(of, number)
            encoder.write(picture if layout is PixelFormat.I420 else in_turn(picture), number * 512, 512)
        encoder.close()
        files.append((tmp_path / f"{layout}.mp4").read_bytes())
    assert files[0] == files[1]


def test_packed_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rgb24"):
        VideoEncoder(tmp_path / "a.mp4", facts(geometry=Geometry(PixelFormat.RGB24, 64, 48)))
