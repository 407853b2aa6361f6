"""shared/model/media.py"""

from __future__ import annotations

import msgspec
import pytest

from shared.model.media import MediaKind, StillFacts, VideoFacts, sniff
from shared.model.pictures import Colour, Geometry, Matrix, PixelFormat


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0....JFIF", MediaKind.JPEG),
        (b"\x89PNG\r\n\x1a\n....IHDR", MediaKind.PNG),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", MediaKind.WEBP),
        (b"RIFF\x10\x00\x00\x00AVI LIST", MediaKind.AVI),
        (b"GIF89a", MediaKind.GIF),
        (b"GIF87a", MediaKind.GIF),
        (b"\x1a\x45\xdf\xa3....B\x82\x84webm", MediaKind.WEBM),
        (b"\x1a\x45\xdf\xa3....B\x82\x88matroska", MediaKind.MATROSKA),
        (b"\x00\x00\x00\x20ftypisom", MediaKind.MP4),
        (b"\x00\x00\x00\x20ftypqt  ", MediaKind.QUICKTIME),
        (b"\x00\x00\x00\x08wide....mdat", MediaKind.QUICKTIME),
    ],
)
def test_a_kind_is_told_by_its_magic(head: bytes, kind: MediaKind) -> None:
    assert sniff(head) is kind


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"RIFF",
        b"RIFF\x10\x00\x00\x00WAVEfmt ",
        b"#EXTM3U",
        b"\x00\x00\x00\x20ftypavif",
        b"\x00\x00\x00\x20ftypheic",
    ],
)
def test_what_is_not_read_has_no_kind(head: bytes) -> None:
    assert sniff(head) is None


def test_stills_are_those_that_the_image_routes_take() -> None:
    assert [kind for kind in MediaKind if kind.is_still] == [MediaKind.JPEG, MediaKind.PNG, MediaKind.WEBP]


def test_alpha_is_kept_by_png_and_webp_alone() -> None:
    assert {kind for kind in MediaKind if kind.keeps_alpha} == {MediaKind.PNG, MediaKind.WEBP}


def test_facts_survive_the_wire() -> None:
    video = VideoFacts(
        geometry=Geometry(PixelFormat.I420, 48, 64),
        colour=Colour(Matrix.BT2020, full_range=True),
        time_base=(1, 600),
        frame_rate=(30_000, 1001),
    )
    still = StillFacts(geometry=Geometry(PixelFormat.RGB24, 3, 5), kind=MediaKind.PNG, exif=b"\x00\xff")
    for facts in (video, still):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=type(facts)) == facts


@pytest.mark.parametrize(("claimed", "seconds", "likely"), [(40, 9.0, 40), (0, 2.0, 60), (0, 0.0, 0)])
def test_how_many_frames_are_likely_follows_from_the_duration_where_nothing_is_claimed(
    claimed: int, seconds: float, likely: int
) -> None:
    facts = VideoFacts(
        geometry=Geometry(PixelFormat.I420, 64, 48),
        colour=Colour(),
        time_base=(1, 1000),
        frame_rate=(30, 1),
        frames_expected=claimed,
        duration_seconds=seconds,
    )
    assert facts.frames_likely == likely
