"""A part of a video that the card encodes."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import msgspec
import pytest

from services.ingest.limits import IngestLimits
from services.ingest.videos.joining import join
from services.render.cuda.surface_copies import SurfaceCopies
from services.render.encoding.files import VideoEncoder
from services.render.nvenc.coder import NvencFailed
from services.render.nvenc.encoders import CardEncoders
from services.render.nvenc.file import NvencFile
from shared.model.errors import Misconfigured, Unavailable
from shared.model.live import LiveCodec
from shared.model.pictures import Colour, Matrix, PixelFormat
from tests.cuda.emulated import EmulatedCard
from tests.cuda.likeness import uploaded
from tests.cuda.nvenc_stand_in import faulty, stand_in
from tests.unit.services.render.live import facts, moving, psnr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shared.model.media import VideoFacts

CLOCKS = {
    "90 kHz from late": ((1, 90000), [123_456_789 + 3003 * n for n in range(12)]),
    "frames": ((1001, 30000), [37 + n for n in range(12)]),
    "uneven": ((1, 600), [0, 7, 100, 101, 250, 900, 901, 1300, 1400, 1500]),
}


def written(path: Path, of: VideoFacts, pts: Sequence[int], crf: float = 18, last: int = 5) -> Path:
    """Moving pictures as a file; each lasts until the next."""
    device, nv12 = EmulatedCard(), of.geometry.laid_out(PixelFormat.NV12)
    encoders = CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, stand_in, jobs=True)
    encoder = encoders.job_encoder(msgspec.structs.replace(of, geometry=nv12), crf, device)
    file, copies = NvencFile(path, encoder), SurfaceCopies(device)
    for number, (at, after) in enumerate(zip(pts, [*pts[1:], pts[-1] + last], strict=True)):
        file.write(copies.here(uploaded(device, moving(of, number))), at, after - at)
    file.close()
    return path


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_pts_and_picture_is_in_the_file(tmp_path: Path, clock: str) -> None:
    time_base, pts = CLOCKS[clock]
    of = facts(131, 96, time_base=time_base)
    with av.open(str(written(tmp_path / "part", of, pts))) as file:
        frames = list(file.decode(video=0))
    assert [frame.pts * frame.time_base for frame in frames] == [at * Fraction(*time_base) for at in pts]
    assert min(psnr(frame, moving(of, number)) for number, frame in enumerate(frames)) > 33


def test_what_it_is_told_of_quality_and_colours_is_so(tmp_path: Path) -> None:
    of = facts(
        colour=Colour(Matrix.BT709, full_range=True), colour_primaries=1, colour_transfer=13, colour_matrix=1,
        sample_aspect=(16, 11),
    )  # fmt: skip
    sizes = []
    for crf in (4.0, 44.0):
        path = written(tmp_path / f"{crf}", of, range(0, 12 * 3600, 3600), crf)
        sizes.append(path.stat().st_size)
        with av.open(str(path)) as file:
            context = file.streams.video[0].codec_context
            tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
            assert (tags, context.sample_aspect_ratio) == ((1, 13, 1, 2), Fraction(16, 11))
    assert sizes[0] > 1.5 * sizes[1]


def test_parts_are_joined_as_those_of_the_cpu_are(tmp_path: Path) -> None:
    of = facts(64, 48, time_base=(1, 600))
    parts = [written(tmp_path / f"{n}", of, range(n * 100, n * 100 + 100, 20), last=20) for n in range(3)]
    join(None, parts, tmp_path / "out", limits=IngestLimits())
    with av.open(str(tmp_path / "out")) as file:
        frames = list(file.decode(video=0))
    assert [frame.pts * frame.time_base * 600 for frame in frames] == list(range(0, 300, 20))
    assert min(psnr(frame, moving(of, number % 5)) for number, frame in enumerate(frames)) > 33


def test_parts_of_the_card_and_of_the_cpu_are_not_joined_into_nonsense(tmp_path: Path) -> None:
    of = facts(64, 48, time_base=(1, 600))
    there = written(tmp_path / "card", of, range(0, 100, 20))
    here = VideoEncoder(tmp_path / "cpu", of, threads=1)
    for number in range(5):
        here.write(moving(of, number), 100 + 20 * number, 20)
    here.close()
    with pytest.raises(Misconfigured, match="different settings"):
        join(None, [there, tmp_path / "cpu"], tmp_path / "out", limits=IngestLimits())


def test_one_can_seek_in_a_long_part(tmp_path: Path) -> None:
    with av.open(str(written(tmp_path / "part", facts(32, 32), [45_000 * n for n in range(50)]))) as file:
        keys = [packet.pts * packet.time_base for packet in file.demux(video=0) if packet.size and packet.is_keyframe]
    assert keys == [0, 10, 20]


def test_of_what_is_given_up_no_file_is_left(tmp_path: Path) -> None:
    of, device = facts(64, 48), EmulatedCard()
    encoders = CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, stand_in, jobs=True)
    nv12 = of.laid_out(PixelFormat.NV12)
    for pictures in (0, 2):
        file = NvencFile(tmp_path / "part", encoders.job_encoder(nv12, 23, device))
        for number in range(pictures):
            file.write(SurfaceCopies(device).here(uploaded(device, moving(of, number))), number, 1)
        file.abort()
        assert list(tmp_path.iterdir()) == []


def test_a_part_without_a_picture_is_none(tmp_path: Path) -> None:
    encoders = CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, stand_in, jobs=True)
    file = NvencFile(
        tmp_path / "part", encoders.job_encoder(facts(64, 48).laid_out(PixelFormat.NV12), 23, EmulatedCard())
    )
    with pytest.raises(Unavailable, match="no picture"):
        file.close()
    file.abort()
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_is_not_to_be_had_says_why() -> None:
    broken = faulty(lambda options: options | {"profile": "nonsense"})
    encoders = CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, broken, jobs=True)
    with pytest.raises(NvencFailed, match="Invalid argument"):
        encoders.job_encoder(facts(64, 48), 23, EmulatedCard())
