"""services/ingest/videos/joining.py"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import pytest

from services.ingest.limits import IngestLimits
from services.ingest.videos.joining import join
from shared.model.errors import Misconfigured, Rejected
from shared.model.media import MediaKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeVideo = Callable[..., Path]

LIMITS = IngestLimits()
UNEVEN = [0, 7, 100, 101, 250, 900, 901, 1300, 1400, 1500]


def packets(path: Path, kind: str) -> list[tuple[Fraction, str]]:
    """(pts in seconds, digest) of every packet of the first stream of that kind."""
    with av.open(str(path)) as container:
        found = [p for p in container.demux(getattr(container.streams, kind)[0]) if p.size]
        return [(p.pts * p.time_base, hashlib.sha256(bytes(p)).hexdigest()) for p in found]


def check_same(path: Path, part: Path, source: Path) -> None:
    assert packets(path, "video") == packets(part, "video")
    assert packets(path, "audio") == packets(source, "audio")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"name": "s.mp4", "audio": "aac"}, MediaKind.MP4),
        ({"name": "s.mkv", "audio": "libopus"}, MediaKind.MP4),
        ({"name": "s.avi", "audio": "libmp3lame", "codec": "mpeg4"}, MediaKind.MP4),
        ({"name": "s.mov", "audio": "pcm_s16le"}, MediaKind.QUICKTIME),
    ],
)
def test_every_time_and_every_byte_survives(
    make_video: MakeVideo, tmp_path: Path, source: dict[str, Any], kind: MediaKind
) -> None:
    upload = make_video(source.pop("name"), **source)
    wanted = {"frames": 10, "pts": UNEVEN, "time_base": Fraction(1, 600), "options": {"bf": "2"}}
    part = make_video("part.mp4", **wanted)
    assert join(upload, [part], tmp_path / "out", limits=LIMITS) is kind
    check_same(tmp_path / "out", part, upload)


def test_sound_that_fits_neither_goes_into_matroska(make_video: MakeVideo, tmp_path: Path) -> None:
    upload = make_video("s.mkv", audio="tta")
    part = make_video("part.mp4")
    assert join(upload, [part], tmp_path / "out", limits=LIMITS) is MediaKind.MATROSKA
    assert packets(tmp_path / "out", "video") == packets(part, "video")
    assert [digest for _, digest in packets(tmp_path / "out", "audio")] == [d for _, d in packets(upload, "audio")]


@pytest.mark.parametrize("name", ["part.mp4", "part.mkv", "part.mov"])
def test_tags_aspect_title_and_language_survive(make_video: MakeVideo, tmp_path: Path, name: str) -> None:
    upload = make_video("s.mp4", audio="aac", title="My film", language="deu")
    part = make_video(name, aspect=Fraction(4, 3), colour=(9, 14, 9, 1))
    join(upload, [part], tmp_path / "out", limits=LIMITS)
    with av.open(str(tmp_path / "out")) as container:
        video = container.streams.video[0]
        assert video.sample_aspect_ratio == Fraction(4, 3)
        codec = video.codec_context
        tags = (codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range)
        assert tags == (9, 14, 9, 1)
        assert container.metadata["title"] == "My film"
        assert container.streams.audio[0].language == "deu"


def test_the_first_frame_may_be_late(make_video: MakeVideo, tmp_path: Path) -> None:
    upload = make_video("s.mp4", audio="aac")
    part = make_video("part.mp4", frames=3, pts=[3003, 6006, 9009], time_base=Fraction(1, 90_000), options={"bf": "0"})
    join(upload, [part], tmp_path / "out", limits=LIMITS)
    check_same(tmp_path / "out", part, upload)


def test_parts_follow_one_another(make_video: MakeVideo, tmp_path: Path) -> None:
    options = {"bf": "2", "g": "5"}
    parts = [make_video(f"{n}.mp4", pts=[*range(n * 10, n * 10 + 10)], frames=10, options=options) for n in range(3)]
    join(None, parts, tmp_path / "out", limits=LIMITS)
    assert packets(tmp_path / "out", "video") == [packet for part in parts for packet in packets(part, "video")]
    with av.open(str(tmp_path / "out")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30


def test_parts_of_different_settings_are_refused(make_video: MakeVideo, tmp_path: Path) -> None:
    parts = [make_video("a.mp4"), make_video("b.mp4", size=(96, 48))]
    with pytest.raises(Misconfigured, match="different settings"):
        join(None, parts, tmp_path / "out", limits=LIMITS)


def test_sound_can_end_with_the_video(make_video: MakeVideo, tmp_path: Path) -> None:
    upload = make_video("s.mp4", audio="aac", frames=100)
    part = make_video("part.mp4", frames=25)
    join(upload, [part], tmp_path / "out", limits=LIMITS, cut_audio=True)
    times = [pts for pts, _ in packets(tmp_path / "out", "audio")]
    assert Fraction(95, 100) < max(times) < 1


def test_the_index_comes_first(make_video: MakeVideo, tmp_path: Path) -> None:
    join(None, [make_video("part.mp4")], tmp_path / "out", limits=LIMITS)
    body = (tmp_path / "out").read_bytes()
    assert body.index(b"moov") < body.index(b"mdat")


def test_a_source_without_sound_gives_none(make_video: MakeVideo, tmp_path: Path) -> None:
    assert join(make_video("s.mp4"), [make_video("part.mp4")], tmp_path / "out", limits=LIMITS) is MediaKind.MP4
    with av.open(str(tmp_path / "out")) as container:
        assert not container.streams.audio


def test_a_source_cut_off_in_mid_sound_gives_what_is_there(make_video: MakeVideo, tmp_path: Path) -> None:
    upload = make_video("s.mp4", audio="aac", frames=100, container={"movflags": "faststart"})
    whole = packets(upload, "audio")
    upload.write_bytes(upload.read_bytes()[: upload.stat().st_size * 7 // 10])
    join(upload, [make_video("part.mp4")], tmp_path / "out", limits=LIMITS)
    got = packets(tmp_path / "out", "audio")
    assert len(whole) // 4 < len(got) < len(whole)
    assert got[:-1] == whole[: len(got) - 1]


def test_a_source_that_is_none_is_refused(make_video: MakeVideo, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no media")
    with pytest.raises(Rejected, match="no media file"):
        join(tmp_path / "text", [make_video("part.mp4")], tmp_path / "out", limits=LIMITS)
