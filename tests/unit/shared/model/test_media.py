"""shared/model/media.py"""

from __future__ import annotations

import msgspec
import pytest

from shared.model.media import MediaKind, Plan, Span, StillFacts, VideoFacts, notice_of, sniff
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


FACTS = VideoFacts(geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 25), frame_rate=(25, 1))


def test_facts_in_another_layout_are_of_the_same_video() -> None:
    in_turn = FACTS.laid_out(PixelFormat.NV12)
    assert in_turn.geometry.format is PixelFormat.NV12
    assert in_turn.laid_out(PixelFormat.I420) == FACTS


@pytest.mark.parametrize(("cuts", "segments"), [(0, 1), (2, 2), (3, 3)])
def test_a_plan_has_as_many_segments_as_spans_and_one_if_it_has_none(cuts: int, segments: int) -> None:
    spans = tuple(Span(n * 50, n * 50, n * 50 + 50, n * 50, 0, 50) for n in range(cuts))
    assert Plan(facts=FACTS, spans=spans).segments == segments


def test_a_plan_survives_the_store() -> None:
    plan = Plan(facts=FACTS, spans=(Span(0, 0, 60, 0, 0, 60), Span(50, 60, None, 50, 10, 40)))
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@pytest.mark.parametrize(
    ("told", "early", "notice"),
    [
        ((60, 60, 0), False, ""),
        ((60, 80, 0), False, ""),
        ((60, 0, 1), False, "The file is damaged in one place: 60 frames could be read."),
        ((60, 80, 3), False, "The file is damaged in 3 places: 60 of about 80 frames could be read."),
        ((60, 60, 2), False, "The file is damaged in 2 places: 60 frames could be read."),
        ((60, 80, 3), True, "The file ends early: 60 of about 80 frames could be read."),
        ((60, 0, 0), True, "The file ends early: 60 frames could be read."),
    ],
)
def test_what_could_not_be_read_is_said_in_a_sentence(told: tuple[int, int, int], early: bool, notice: str) -> None:
    assert notice_of(*told, early=early) == notice
