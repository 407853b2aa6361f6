"""What a live session may be asked for."""

from __future__ import annotations

import msgspec
import pytest

from shared.model.live import (
    HlsOutput,
    LiveCodec,
    LiveInput,
    LiveOutput,
    Output,
    RecordOutput,
    RtmpOutput,
    look_subject,
    open_subject,
    sound_subject,
)


def test_frames_that_stand_for_themselves() -> None:
    assert {codec for codec in LiveCodec if codec.is_intra} == {"mjpeg", "i420", "nv12", "rgb24"}
    assert {codec for codec in LiveCodec if codec.is_raw} == {"i420", "nv12", "rgb24"}


def test_what_a_stream_asks_of_a_lane_is_its_pixels() -> None:
    assert LiveInput(codec=LiveCodec.H264, width=1280, height=720, rate=25).pixels_per_second == 1280 * 720 * 25


@pytest.mark.parametrize("output", [HlsOutput(), RtmpOutput(url="rtmp://host/app/name"), RecordOutput(max_seconds=5)])
def test_outputs_are_told_apart_by_their_kind(output: Output) -> None:
    text = msgspec.json.encode(output)
    assert msgspec.json.decode(text, type=Output) == output


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (LiveInput, '{"codec": "h264", "width": 8, "height": 720}'),
        (LiveInput, '{"codec": "h264", "width": 640, "height": 360, "rate": 0}'),
        (LiveOutput, '{"quality": 1.5}'),
        (Output, '{"kind": "hls", "window": 2}'),
        (Output, '{"kind": "hls", "windows": 6}'),
    ],
)
def test_what_is_out_of_bounds_is_refused(kind: type, text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=kind)


def test_workers_are_asked_on_subjects_of_their_lane() -> None:
    assert {open_subject("l"), look_subject("l", "w"), sound_subject("l", "w")} == {
        "lane.l.open",
        "lane.l.look.w",
        "lane.l.sound.w",
    }
