"""What becomes of drawn frames."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import av
import msgspec
import numpy as np
import pytest
from PIL import Image

from services.render.precedence import NICENESS
from services.render.sinks import FacesSink, StillSink, VideoSink
from shared.model.faces import Face
from shared.model.frames import CapturedFrame, FrameReference
from shared.model.media import MediaKind, StillFacts, VideoFacts
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from services.render.session import Sink

VIDEO = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 1000), frame_rate=(25, 1)
)  # fmt: skip
STILL = StillFacts(geometry=Geometry(PixelFormat.RGB24, 32, 24), kind=MediaKind.JPEG)
FACE = Face.of(np.random.default_rng(1).uniform(0, 40, (468, 3)).astype(np.float32), 0.75).known_as(3)


def write(sink: Sink, facts: VideoFacts | StillFacts, *sequences: int, faces: tuple[Face, ...] = ()) -> None:
    picture = Picture.over(facts.geometry, Colour(), np.full(facts.geometry.size_bytes, 90, np.uint8))
    for number in sequences:
        sink.write(picture, CapturedFrame(FrameReference(1, 0, 1), number, number * 40, 40), faces)


def test_a_video_holds_every_frame_at_its_time(tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "part", VIDEO, "veryfast", 23, 1)
    write(sink, VIDEO, 0, 1, 3)
    with av.open(str(sink.close())) as file:
        video = file.streams.video[0]
        assert [round(float(frame.pts * video.time_base), 3) for frame in file.decode(video)] == [0, 0.04, 0.12]


@pytest.mark.parametrize("kind", [MediaKind.PNG, None])
def test_who_asks_is_told_what_encoding_takes(tmp_path: Path, kind: MediaKind | None) -> None:
    told: list[tuple[str, float]] = []
    video, still = VideoSink(tmp_path / "part", VIDEO, "veryfast", 23, 1), StillSink(STILL, kind)
    video.encoded = still.encoded = lambda codec, seconds, made_by: told.append((f"{codec} {made_by}", seconds))
    write(still, STILL, 0)
    write(video, VIDEO, 0, 1)
    video.close()
    assert [codec for codec, _ in told] == [*(["png cpu"] if kind else []), "h264 cpu", "h264 cpu"]
    assert all(0 < seconds < 60 for _, seconds in told)


def test_faces_are_a_line_of_json_a_frame(tmp_path: Path) -> None:
    sink = FacesSink(tmp_path / "part", VIDEO)
    write(sink, VIDEO, 0)
    write(sink, VIDEO, 1, faces=(FACE,))
    empty, full = (json.loads(line) for line in sink.close().read_text().splitlines())
    assert empty == {"frame": 0, "pts_seconds": 0.0, "width": 64, "height": 48, "faces": []}
    assert (full["frame"], full["pts_seconds"]) == (1, 0.04)
    assert (full["faces"][0]["track"], len(full["faces"][0]["landmarks"])) == (3, 468)


def test_the_faces_of_a_part_have_the_numbers_of_the_whole(tmp_path: Path) -> None:
    sink = FacesSink(tmp_path / "part", VIDEO, first=250)
    write(sink, VIDEO, 17, 18)
    lines = [json.loads(line) for line in sink.close().read_text().splitlines()]
    assert [(line["frame"], line["pts_seconds"]) for line in lines] == [(267, 0.68), (268, 0.72)]


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("kind", ["video", "faces"])
def test_an_abort_leaves_no_file(tmp_path: Path, kind: str, closed: bool) -> None:
    path = tmp_path / "part"
    sink = VideoSink(path, VIDEO, "veryfast", 23, 1) if kind == "video" else FacesSink(path, VIDEO)
    write(sink, VIDEO, 0)
    if closed:
        sink.close()
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_a_still_is_encoded_as_the_kind_that_is_wanted() -> None:
    sink = StillSink(STILL, MediaKind.PNG)
    write(sink, STILL, 0, faces=(FACE,))
    picture = Image.open(io.BytesIO(sink.close()))
    assert (picture.format, picture.size, sink.faces) == ("PNG", (32, 24), (FACE,))


def test_a_still_of_which_only_the_faces_are_wanted_is_not_encoded() -> None:
    sink = StillSink(STILL, None)
    write(sink, STILL, 0, faces=(FACE,))
    assert not sink.wants_picture
    assert (sink.close(), sink.faces) == (b"", (FACE,))


def test_only_pictures_whose_files_can_be_transparent_keep_alpha() -> None:
    kinds = (MediaKind.PNG, MediaKind.WEBP, MediaKind.JPEG, None)
    assert [StillSink(STILL, kind).keeps_alpha for kind in kinds] == [True, True, False, False]
    assert not VideoSink.keeps_alpha
    assert not FacesSink.keeps_alpha


def test_all_threads_that_encode_a_job_stand_back(tmp_path: Path) -> None:
    before = _niceness()
    large = msgspec.structs.replace(VIDEO, geometry=Geometry(PixelFormat.I420, 640, 480))
    sink = VideoSink(tmp_path / "part", large, "veryfast", 23, 3)
    write(sink, large, *range(8))
    found = {thread: nice for thread, nice in _niceness().items() if thread not in before}
    sink.close()
    assert len(found) >= 3  # that of the sink, and x264's
    assert set(found.values()) == {max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))}


def _niceness() -> dict[int, int]:
    """Of every thread of this process, by its number."""
    threads = [int(one.name) for one in Path("/proc/self/task").iterdir()]
    return {thread: os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}
