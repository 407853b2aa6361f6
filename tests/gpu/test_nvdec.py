"""The decoders of a real card against FFmpeg's on the CPU: every sample of every frame, and every time.

The suite of tests/unit/services/ingest/cuda runs on the card too, with the lane's processes.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.nvdec import Nvdec, capabilities
from services.ingest.limits import IngestLimits
from services.ingest.videos.checksum import checksum_of
from services.ingest.videos.coded import CodedVideo
from services.ingest.videos.file import VideoFile
from shared.cuda.card import Card
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, PixelFormat
from tests.cuda.devices import MISSING
from tests.unit.services.ingest.conftest import write_video
from tests.unit.services.ingest.cuda.conftest import by_cpu

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from services.ingest.cuda.decoder import Decoded
    from services.ingest.messages.coded import CodedPacket

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
QUIET = {"x265-params": "log-level=none"}
CLIPS: dict[str, tuple[str, dict[str, Any]]] = {
    "h264": ("clip.mp4", {"codec": "libx264", "options": {"bf": "3", "refs": "4"}, "frames": 60}),
    "h264 of odd coded size": ("clip.mp4", {"codec": "libx264", "size": (318, 182), "frames": 30}),
    "h264 baseline": ("clip.mkv", {"codec": "libx264", "options": {"profile": "baseline"}, "frames": 30}),
    "h264 VFR": ("clip.mkv", {"codec": "libx264", "pts": [0, 1, 5, 6, 20, 21, 22, 30, 31, 40, 41, 42]}),
    "h264 open GOP": (
        "clip.mkv",
        {"codec": "libx264", "frames": 60, "options": {"g": "12", "x264-params": "open-gop=1"}},
    ),
    "hevc": ("clip.mp4", {"codec": "libx265", "size": (320, 240), "frames": 40, "options": QUIET}),
    "vp9": ("clip.webm", {"codec": "libvpx-vp9", "size": (320, 240), "frames": 30}),
    "vp9 of odd size": ("clip.webm", {"codec": "libvpx-vp9", "size": (321, 241), "frames": 20}),
    "av1": ("clip.mkv", {"codec": "libsvtav1", "size": (320, 240), "frames": 30}),
    "large": ("clip.mp4", {"codec": "libx264", "size": (1920, 1080), "frames": 10}),
}


@cache
def taken() -> set[str]:
    """Codecs of the card."""
    return {one.codec for one in capabilities(0)[0]}


class Coded:
    """A clip as the card's decoder takes it."""

    def __init__(self, path: Path) -> None:
        self.expected = by_cpu(path)
        with VideoFile(path, IngestLimits(), keep=True) as video:
            coded = CodedVideo(video)
            self.codec = coded.stream.codec
            self.packets = list(coded.packets())
        if self.codec not in taken():
            pytest.skip(f"this card has no decoder for {self.codec}")


def clip(folder: Path, name: str) -> Coded:
    file, wanted = CLIPS[name]
    return Coded(write_video(folder / file, **wanted))


def seen(
    card: Card, coded: Coded, frames: Iterable[Decoded], packets: list[CodedPacket]
) -> list[tuple[int | None, int]]:
    """Of each frame its packet's pts and its checksum."""
    size = coded.expected.facts.geometry
    geometry = Geometry(PixelFormat.NV12, size.width, size.height)
    found = []
    for frame in frames:
        picture = CardPicture.blank(card, geometry, Colour())
        card.copy(frame.luma[:, : size.width], picture.planes[0])
        card.copy(frame.chroma, picture.planes[1])
        found.append((packets[frame.number].pts, checksum_of(picture.downloaded(card))))
    return found


def decoded(coded: Coded, *, is_live: bool = False) -> list[tuple[int | None, int]]:
    """Every frame, by a decoder of its own."""
    card = Card()
    decoder = Nvdec(card, coded.codec, is_live=is_live)
    found = []
    for packet in coded.packets:
        found += seen(card, coded, decoder.decode(packet.body, packet.number, packet.pts), coded.packets)
    found += seen(card, coded, decoder.flush(), coded.packets)
    decoder.close()
    return found


def as_by_cpu(coded: Coded) -> list[tuple[int | None, int]]:
    return [(pts, checksum) for pts, _, checksum in coded.expected.frames]


def test_the_card_says_what_it_decodes() -> None:
    ranges, engines = capabilities(0)
    assert {"h264", "hevc"} <= {one.codec for one in ranges}
    assert all(one.width[1] >= 4096 for one in ranges)
    assert engines >= 1


@pytest.mark.parametrize("name", list(CLIPS))
def test_every_frame_is_that_of_a_cpu(tmp_path: Path, name: str) -> None:
    coded = clip(tmp_path, name)
    assert decoded(coded) == as_by_cpu(coded)


@pytest.mark.parametrize("name", ["h264", "hevc", "vp9", "av1"])
def test_a_live_decoder_gives_the_same_frames_in_the_same_order(tmp_path: Path, name: str) -> None:
    coded = clip(tmp_path, name)
    assert decoded(coded, is_live=True) == as_by_cpu(coded)


def test_a_live_decoder_holds_back_no_frame_where_there_are_no_b_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=20, options={"tune": "zerolatency"})
    coded = Coded(path)
    card = Card()
    decoder = Nvdec(card, coded.codec, is_live=True)
    counts = [len(decoder.decode(packet.body, packet.number, packet.pts)) for packet in coded.packets]
    decoder.close()
    assert counts == [1] * 20


def test_many_streams_beside_each_other_do_not_disturb_each_other(tmp_path: Path) -> None:
    coded = [clip(tmp_path, name) for name in ("h264", "hevc", "vp9", "h264 VFR")]
    found: dict[int, list[tuple[int | None, int]]] = {}

    def run(number: int) -> None:
        found[number] = decoded(coded[number % 4])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(16)] == [as_by_cpu(coded[number % 4]) for number in range(16)]


def test_a_decoder_that_was_flushed_begins_anew_with_a_key_frame(tmp_path: Path) -> None:
    coded = clip(tmp_path, "h264")
    card = Card()
    decoder = Nvdec(card, coded.codec)
    for _ in range(2):
        found = []
        for packet in coded.packets:
            found += seen(card, coded, decoder.decode(packet.body, packet.number, packet.pts), coded.packets)
        found += seen(card, coded, decoder.flush(), coded.packets)
        assert found == as_by_cpu(coded)
    decoder.close()


@pytest.mark.parametrize("kind", ["noise", "cut", "lost"])
def test_a_broken_stream_costs_frames_and_nobody_else(tmp_path: Path, kind: str) -> None:
    """What the card leaves out or conceals is its own, and so is which packet it takes a frame to be of."""
    coded = clip(tmp_path, "h264")
    card = Card()
    decoder = Nvdec(card, coded.codec)
    numbers: list[int] = []
    try:
        for packet in coded.packets:
            body = packet.body
            if packet.number % 7 == 3:
                body = {"noise": bytes(range(256)) * 4, "cut": body[: len(body) // 2], "lost": b""}[kind]
            numbers += [frame.number for frame in decoder.decode(body, packet.number, packet.pts)]
        numbers += [frame.number for frame in decoder.flush()]
    except CardRefused:
        pass  # a CPU is to try
    finally:
        decoder.close()
    assert 0 < len(numbers) <= len(coded.packets)
    other = clip(tmp_path, "hevc")
    assert decoded(other) == as_by_cpu(other)


def test_what_has_ten_bits_is_refused(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "clip.mp4", codec="libx265", size=(320, 240), pix_fmt="yuv420p10le", frames=5, options=QUIET
    )
    coded = Coded(path)
    with pytest.raises(CardRefused, match="not to 4:2:0 with 8 bits"):
        decoded(coded)
