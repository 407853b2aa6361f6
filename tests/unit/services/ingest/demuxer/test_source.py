"""services/ingest/demuxer/source.py, with files that are read as they come."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
import pytest

from services.ingest.demuxer import source as demuxer_source
from services.ingest.demuxer.options import file_options
from services.ingest.demuxer.source import sound_first, source_items
from services.ingest.limits import IngestLimits
from services.ingest.messages.source import TICKS, Kind, SoundFormat, SourceNotice, SourcePacket, VideoFormat
from shared.model.errors import Rejected
from tests.unit.services.ingest.conftest import write_video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.ingest.demuxer.source import SourceItem

LIMITS = IngestLimits()
MUXED = {
    "mpegts": {"name": "a.ts", "container": {}},
    "mov": {"name": "a.mp4", "container": {"movflags": "frag_keyframe+empty_moov+default_base_moof"}},
    "flv": {"name": "a.flv", "container": {}},
    "matroska": {"name": "a.mkv", "container": {}},
}


class Forward:
    """Bytes that can be read from front to back only, a few at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._data.read(min(size, 1000))


def items(data: bytes, container: str, limits: IngestLimits = LIMITS) -> list[SourceItem]:
    return list(source_items(cast("Any", Forward(data)), container, file_options(limits), 3, limits))


def clip(tmp_path: Path, container: str, **wanted: Any) -> bytes:
    made = MUXED[container]
    wanted = {"audio": "aac", "frames": 30, "options": {"g": "10", "bf": "0", "sc_threshold": "0"}} | wanted
    return write_video(tmp_path / str(made["name"]), container=made["container"], **wanted).read_bytes()


def packets(found: list[SourceItem], kind: Kind) -> list[SourcePacket]:
    return [item for item in found if isinstance(item, SourcePacket) and item.kind is kind]


@pytest.mark.parametrize("container", MUXED)
def test_each_container_gives_its_frames_and_its_sound(tmp_path: Path, container: str) -> None:
    found = items(clip(tmp_path, container), container)
    video = packets(found, Kind.VIDEO)
    formats = [item for item in found if isinstance(item, VideoFormat)]
    assert [(one.codec, one.width, one.height) for one in formats] == [("h264", 64, 48)]
    assert isinstance(found[0], VideoFormat)
    assert len(video) == 30
    assert [packet.key for packet in video] == [number % 10 == 0 for number in range(30)]
    assert all(abs(after.dts - before.dts - 3600) <= 90 for before, after in pairwise(video[1:]))
    assert {packet.leg for packet in video} == {3}


@pytest.mark.parametrize("container", MUXED)
def test_sound_is_told_and_has_no_adts_header(tmp_path: Path, container: str) -> None:
    found = items(clip(tmp_path, container), container)
    (sound,) = [item for item in found if isinstance(item, SoundFormat)]
    assert (sound.codec, sound.rate, sound.channels) == ("aac", 48_000, 2)
    assert sound.header[:2] == bytes((0x11, 0x90))
    pieces = packets(found, Kind.SOUND)
    assert pieces
    assert not [piece for piece in pieces if piece.body[:1] == b"\xff" and piece.body[1:2] in {b"\xf1", b"\xf9"}]
    assert found.index(sound) < found.index(pieces[0])


@pytest.mark.parametrize("container", MUXED)
def test_sound_is_told_before_the_first_picture_wherever_it_is_stored(tmp_path: Path, container: str) -> None:
    found = items(clip(tmp_path, container, frames=60), container)
    kinds = [type(item) for item in found]
    assert kinds[:3] == [VideoFormat, SoundFormat, SourcePacket]
    assert len(packets(found, Kind.VIDEO)) == 60
    video = packets(found, Kind.VIDEO)
    assert [one.dts for one in video] == sorted(one.dts for one in video)


def test_pictures_do_not_wait_for_ever_for_sound_that_does_not_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demuxer_source, "HOLD_SECONDS", 0.0)
    found = items(clip(tmp_path, "mov", frames=60), "mov")
    assert [type(item) for item in found[:2]] == [VideoFormat, SourcePacket]
    assert len([item for item in found if isinstance(item, SoundFormat)]) == 1
    assert len(packets(found, Kind.VIDEO)) == 60


def picture(seconds: float) -> SourcePacket:
    at = round(seconds * TICKS)
    return SourcePacket(Kind.VIDEO, at, at, 3600, True, b"x")


def test_pictures_that_wait_for_sound_come_out_also_where_the_source_breaks() -> None:
    pictures: list[SourceItem] = [VideoFormat("h264", b""), *(picture(number / 25) for number in range(5))]

    def breaking() -> Iterator[SourceItem]:
        yield from pictures
        raise Rejected("too-demanding", "A frame of the source has too many bytes.")

    found: list[SourceItem] = []
    with pytest.raises(Rejected, match="too many bytes"):
        found.extend(sound_first(breaking(), 2.0))
    assert found == pictures


def test_pictures_that_come_faster_than_they_are_shown_wait_no_longer_than_is_said() -> None:
    taken: list[SourcePacket] = []

    def burst() -> Iterator[SourceItem]:
        yield VideoFormat("h264", b"")
        for number in range(100):
            taken.append(picture(1000 + number / 25))
            yield taken[-1]

    found = sound_first(burst(), 2.0)
    assert next(found) == VideoFormat("h264", b"")
    assert (taken[-1].dts - taken[0].dts) / TICKS == pytest.approx(2.0)
    assert len([VideoFormat, *found]) == 101


def test_sound_behind_a_long_fragment_of_pictures_is_still_told_first(tmp_path: Path) -> None:
    options = {"g": "150", "bf": "0", "sc_threshold": "0"}
    found = items(clip(tmp_path, "mov", frames=300, options=options), "mov")
    assert [type(item) for item in found[:3]] == [VideoFormat, SoundFormat, SourcePacket]
    sound = packets(found, Kind.SOUND)[0]
    assert packets(found, Kind.VIDEO)[140].dts / TICKS > 5  # of the same fragment, and stored before the sound
    assert found.index(packets(found, Kind.VIDEO)[140]) < found.index(sound)


def test_a_stream_that_is_joined_in_its_middle_begins_with_a_key_frame(tmp_path: Path) -> None:
    data = clip(tmp_path, "mpegts", frames=60, audio=None)
    middle = len(data) // 188 // 3 * 188
    found = packets(items(data[middle:], "mpegts"), Kind.VIDEO)
    assert found[0].key
    assert 0 < len(found) < 60


def test_sound_that_is_not_aac_is_left_out_and_told_once(tmp_path: Path) -> None:
    found = items(clip(tmp_path, "mpegts", audio="mp2"), "mpegts")
    assert [item.kind for item in found if isinstance(item, SourceNotice)] == ["sound-left-out"]
    assert not packets(found, Kind.SOUND)
    assert len(packets(found, Kind.VIDEO)) == 30


def test_a_codec_that_is_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="mpeg2video"):
        items(clip(tmp_path, "mpegts", codec="mpeg2video", options={}), "mpegts")


def test_a_source_without_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as refused:
        items(clip(tmp_path, "mpegts", codec=None), "mpegts")
    assert refused.value.code == "no-video"


def sound_before_pictures(path: Path, pictures_from: int, seconds: int) -> Path:
    """FLV, in which the first key frame comes late, as of an RTMP server between two of them."""
    with av.open(str(path), "w", format="flv") as file:
        video = file.add_stream("libx264", rate=10, options={"tune": "zerolatency"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = file.add_stream("aac", rate=48_000)
        sound.layout = "mono"
        for number in range(seconds * 48_000 // 1024):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            silence.rate, silence.pts, silence.time_base = 48_000, number * 1024, Fraction(1, 48_000)
            file.mux(sound.encode(silence))
            if number * 1024 >= pictures_from * 48_000 and not number % 5:
                picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
                picture.pts, picture.time_base = number * 1024 // 4800, Fraction(1, 10)
                file.mux(video.encode(picture))
    path.write_bytes(with_late_header(path.read_bytes()))
    return path


def with_late_header(flv: bytes) -> bytes:
    """The same with all video tags, its header's too, behind the sound until then: as a server begins to play it."""
    at, head, tags = 13, flv[:13], []
    while at < len(flv):
        size = 15 + int.from_bytes(flv[at + 1 : at + 4])
        tags.append(flv[at : at + size])
        at += size
    (header,) = [tag for tag in tags if tag[0] == 9 and tag[12] == 0]
    first = next(number for number, tag in enumerate(tags) if tag[0] == 9 and tag[12] == 1)
    late = header[:4] + tags[first][4:8] + header[8:]  # at the time of the first picture
    return head + b"".join(tag for tag in tags[:first] if tag is not header) + late + b"".join(tags[first:])


def test_pictures_are_waited_for_where_a_server_begins_with_sound(tmp_path: Path) -> None:
    path = sound_before_pictures(tmp_path / "late.flv", 3, 5)
    options = {**file_options(LIMITS), "protocol_whitelist": "file"}
    found = list(source_items(str(path), "flv", options, 0, LIMITS))
    assert packets(found, Kind.VIDEO)[0].key
    assert packets(found, Kind.SOUND)


def test_but_no_longer_than_a_source_may_be_silent(tmp_path: Path) -> None:
    path, hasty = sound_before_pictures(tmp_path / "late.flv", 3, 5), IngestLimits(source_silence_seconds=1)
    options = {**file_options(hasty), "protocol_whitelist": "file"}
    with pytest.raises(Rejected, match=r"The source has no video stream, only sound\.") as refused:
        list(source_items(str(path), "flv", options, 0, hasty))
    assert refused.value.code == "no-video"


def test_and_ends_before_its_reader_is_given_up(tmp_path: Path) -> None:
    """The parent counts from before the connection: who waits as long never says what was missing."""
    path, limits = sound_before_pictures(tmp_path / "late.flv", 6, 8), IngestLimits(source_silence_seconds=7)
    options = {**file_options(limits), "protocol_whitelist": "file"}
    with pytest.raises(Rejected, match="no video stream, only sound"):
        list(source_items(str(path), "flv", options, 0, limits))


def test_what_says_at_its_beginning_which_streams_there_are_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    path, really = write_video(tmp_path / "sound.mp4", codec=None, audio="aac", frames=30), av.open

    def counted(what: Any, *rest: Any, **more: Any) -> Any:
        opened.append(what)
        return really(what, *rest, **more)

    monkeypatch.setattr(av, "open", counted)
    with pytest.raises(Rejected, match="no video stream, only sound"):
        list(source_items(str(path), "mov", {"protocol_whitelist": "file"}, 0, LIMITS))
    assert opened == [str(path)]


def test_a_frame_of_too_many_bytes_is_refused(tmp_path: Path) -> None:
    data = clip(tmp_path, "mpegts", size=(640, 480), options={"crf": "0", "g": "10"})
    with pytest.raises(Rejected, match="source_packet_bytes"):
        items(data, "mpegts", IngestLimits(source_packet_bytes=1024))


def test_junk_is_refused() -> None:
    with pytest.raises(Rejected):
        items(b"G" + bytes(187) + b"G" + bytes(5000), "mpegts")


def test_a_header_that_changes_on_the_way_is_told(tmp_path: Path) -> None:
    """As an RTMP server sends it when another publisher takes over: times begin anew, too."""
    first = clip(tmp_path, "flv", audio=None)
    second = clip(tmp_path, "flv", audio=None, size=(128, 96))
    found = items(first + second[13:], "flv")
    formats = [item for item in found if isinstance(item, VideoFormat)]
    assert len(formats) == 2
    assert formats[0].header != formats[1].header
    assert found[found.index(formats[1]) + 1].key  # type: ignore[union-attr]
    assert len(packets(found, Kind.VIDEO)) == 60
