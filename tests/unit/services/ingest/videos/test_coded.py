"""The packets of a video as a decoder elsewhere takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import pytest

from services.ingest.limits import IngestLimits
from services.ingest.videos import coded as coded_video
from services.ingest.videos import file as video_file
from services.ingest.videos.coded import CodedVideo
from services.ingest.videos.file import VideoFile
from services.ingest.videos.planning import plan_video
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeVideo = Callable[..., Path]

START_CODE = b"\0\0\0\x01"


def opened(path: Path, **wanted: Any) -> VideoFile:
    return VideoFile(path, IngestLimits(), 2, keep=True, **wanted)


@pytest.mark.parametrize(("codec", "name"), [("libx264", "h264"), ("libx265", "hevc")])
def test_packets_are_a_raw_stream_that_decodes_by_itself(make_video: MakeVideo, codec: str, name: str) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    with opened(make_video("clip.mp4", codec=codec, frames=20, options=options)) as file:
        coded = CodedVideo(file)
        assert coded.stream.codec == name
        packets = list(coded.packets())
        assert coded.ended.early is False
    assert [packet.number for packet in packets] == list(range(20))
    assert {packet.pts for packet in packets} == {number * 512 for number in range(20)}
    assert all(packet.body.startswith((START_CODE, START_CODE[1:])) for packet in packets)
    decoder: Any = av.CodecContext.create(name, "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.body))] + decoder.decode(None)
    assert len(frames) == 20


def test_a_segment_begins_with_the_key_frame_before_it(make_video: MakeVideo) -> None:
    path = make_video("clip.mp4", frames=250, options={"g": "25", "keyint_min": "25", "bf": "3"})
    plan = plan_video(path, IngestLimits(), 3, 0.5, lambda: None)
    span = plan.spans[1]
    with opened(path, fit=plan.facts, span=span) as file:
        coded = CodedVideo(file)
        assert coded.stream.begins == span.begins
        assert next(coded.packets()).pts == span.begins


def test_where_the_first_frame_lies_too_far_no_beginning_is_told(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_file, "_MOST_KEPT", 2)
    with opened(make_video("clip.mp4", options={"bf": "3"})) as file:
        assert CodedVideo(file).stream.begins is None


def test_a_huge_packet_is_refused(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded_video, "MOST_PACKET_BYTES", 100)
    with opened(make_video("clip.mp4")) as file, pytest.raises(Rejected) as refused:
        list(CodedVideo(file).packets())
    assert refused.value.code == "too-demanding"


def test_what_a_file_lacks_is_told_at_the_end(make_video: MakeVideo) -> None:
    path = make_video("clip.mkv", frames=50)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with opened(path) as file:
        coded = CodedVideo(file)
        assert 0 < len(list(coded.packets())) < 50
        assert coded.ended.early is True
