"""Coded frames of a clip, and a clip made of them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from shared.model.errors import Rejected
from shared.model.live import LiveCodec
from visavis.packets import CLOCK_HZ, ClipWriter, CodedClip

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (96, 64)
OPTIONS = {
    "libx264": {"preset": "ultrafast", "bf": "2"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libsvtav1": {"preset": "11", "svtav1-params": "pred-struct=1:lookahead=0:rtc=1"},
    "mpeg4": {},
}


def written(path: Path, encoder: str = "libx264", rotation: int = 0, frames: int = 12) -> Path:
    """A clip of frames of growing brightness, 25 a second."""
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(encoder, rate=25, options=OPTIONS[encoder])
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(frames):
            grey = np.full((SIZE[1], SIZE[0], 3), 20 + 10 * number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="yuv420p")))
        file.mux(stream.encode(None))
    return path


def light(path: Path) -> list[int]:
    with av.open(str(path)) as file:
        return [round(float(frame.to_ndarray(format="gray").mean())) for frame in file.decode(video=0)]


def test_packets_come_in_order_of_decoding_at_the_pace_of_a_camera(tmp_path: Path) -> None:
    with CodedClip(written(tmp_path / "a.mp4")) as clip:
        assert (clip.codec, clip.width, clip.height, clip.rate) == (LiveCodec.H264, *SIZE, 25)
        assert clip.header
        assert not clip.has_sound
        assert clip.seconds == pytest.approx(12 / 25, abs=0.1)
        frames = list(clip.frames())
    pts = [frame.pts for frame in frames]
    assert sorted(np.diff(sorted(pts))) == [CLOCK_HZ // 25] * 11
    assert pts != sorted(pts), "the clip has frames that are coded out of order"
    assert [frame.at_seconds for frame in frames] == pytest.approx([number / 25 for number in range(12)], abs=0.001)
    assert frames[0].key


@pytest.mark.parametrize("encoder", ["libx264", "libx265", "libsvtav1"])
def test_what_comes_back_becomes_a_clip(tmp_path: Path, encoder: str) -> None:
    coder: Any = av.CodecContext.create(encoder, "w")
    coder.width, coder.height, coder.pix_fmt, coder.time_base = *SIZE, "yuv420p", Fraction(1, CLOCK_HZ)
    coder.framerate = Fraction(25)
    coder.options = OPTIONS[encoder] | ({"bf": "0"} if encoder == "libx264" else {})
    packets = []
    for number in range(12):
        grey = np.full((SIZE[1], SIZE[0], 3), 20 + 10 * number, np.uint8)
        frame = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number * 3600, Fraction(1, CLOCK_HZ)
        packets += coder.encode(frame)
    packets += coder.encode(None)
    path, codec = tmp_path / "out", {"libx264": "h264", "libx265": "hevc", "libsvtav1": "av1"}[encoder]
    with ClipWriter(path, LiveCodec(codec), SIZE) as writer:
        for packet in packets:
            writer.write(packet.pts, packet.dts, bytes(packet), key=packet.is_keyframe)
    assert writer.frames == 12
    assert light(path) == pytest.approx([20 + 10 * number for number in range(12)], abs=4)
    with av.open(str(path)) as file:
        assert [frame.time for frame in file.decode(video=0)] == pytest.approx([n / 25 for n in range(12)], abs=0.001)


def test_what_is_turned_stays_turned(tmp_path: Path) -> None:
    with CodedClip(written(tmp_path / "a.mp4", rotation=90)) as clip:
        frames, rotation = list(clip.frames()), clip.rotation
    assert rotation in {90, -90}
    annex_b = av.BitStreamFilterContext("h264_mp4toannexb", av.open(str(tmp_path / "a.mp4")).streams.video[0])
    with ClipWriter(tmp_path / "b.mp4", LiveCodec.H264, SIZE, rotation) as writer:
        packet = av.Packet(frames[0].data)
        [first] = annex_b.filter(packet)
        writer.write(0, 0, bytes(first), key=True)
    with CodedClip(tmp_path / "b.mp4") as clip:
        assert clip.rotation == rotation


def test_nothing_that_comes_back_is_no_file(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "out.mp4", LiveCodec.H264, SIZE) as writer:
        pass
    assert not writer.frames
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_sent_is_refused_by_its_name(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no film")
    with pytest.raises(Rejected, match=r"text\.mp4 cannot be read"):
        CodedClip(text)
    with pytest.raises(Rejected, match=r"old\.avi is coded as mpeg4: a live stream takes av1, h264"):
        CodedClip(written(tmp_path / "old.avi", "mpeg4"))
    with pytest.raises(Rejected, match=r"missing\.mp4 cannot be read: No such file"):
        CodedClip(tmp_path / "missing.mp4")


def test_a_file_of_sound_alone_has_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as file:
        sound: Any = file.add_stream("aac", rate=48_000)
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        heard.sample_rate = 48_000
        file.mux(sound.encode(heard))
        file.mux(sound.encode(None))
    with pytest.raises(Rejected, match="has no video"):
        CodedClip(path)
