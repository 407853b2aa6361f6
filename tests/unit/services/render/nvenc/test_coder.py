"""The coder of a card, by encoders of the CPU that are opened in NVENC's place and read an emulated card's memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from services.render.cuda.surface_copies import SurfaceCopies
from services.render.encoding.live import LiveEncoder
from services.render.nvenc import coder as nvenc
from services.render.nvenc.coder import NvencCoder, NvencFailed
from services.render.nvenc.settings import QUANTISERS
from services.render.surface import Surface
from shared.model.live import LiveCodec, LiveOutput
from shared.model.pictures import Colour, Matrix, PixelFormat
from tests.cuda.emulated import EmulatedCard
from tests.cuda.likeness import uploaded
from tests.cuda.nvenc_stand_in import faulty, stand_in
from tests.unit.services.render.encoding.test_live import PARAMETER_SETS, WAYS_TO_COUNT, units_of
from tests.unit.services.render.live import decoded, facts, moving, psnr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from services.render.encoding.codec_settings import CodecSettings
    from services.render.encoding.packets import EncodedPacket
    from shared.model.media import VideoFacts

CODECS = tuple(QUANTISERS)
TWELVE = [3600 * number for number in range(12)]


def there(of: VideoFacts) -> VideoFacts:
    """The same of frames on a card."""
    return of.laid_out(PixelFormat.NV12)


def coder_of(
    of: VideoFacts, output: LiveOutput, settings_of: Callable[[LiveOutput], CodecSettings] = stand_in
) -> NvencCoder:
    device = EmulatedCard()
    return NvencCoder(there(of), output, device, Surface.blank(device, of.geometry, of.colour), settings_of)


def encoded(
    of: VideoFacts, output: LiveOutput, pts: Sequence[int], keys: Iterable[int] = ()
) -> tuple[LiveEncoder, list[EncodedPacket]]:
    """Moving pictures of a card, encoded one by one in the same memory; keys: which are asked to be key frames."""
    device, wanted = EmulatedCard(), set(keys)
    encoder, copies = LiveEncoder(there(of), output, coder=coder_of(of, output)), SurfaceCopies(device)
    packets = []
    for number, at in enumerate(pts):
        surface = copies.here(uploaded(device, moving(of, number)))
        (packet,) = encoder.encode(surface, at, 7, key=number in wanted)
        packets.append(packet)
    assert encoder.flush() == []
    return encoder, packets


@pytest.mark.parametrize("wanted", [{}, {"low_delay": False}, {"bitrate_kbps": 800}], ids=str)
@pytest.mark.parametrize("codec", CODECS)
def test_every_picture_comes_out_of_its_own_call_and_is_what_was_given(
    codec: LiveCodec, wanted: dict[str, object]
) -> None:
    of = facts(130, 96)
    _, packets = encoded(of, LiveOutput(codec=codec, quality=0.9, **wanted), TWELVE)
    assert [(packet.pts, packet.dts, packet.duration) for packet in packets] == [(at, at, 7) for at in TWELVE]
    frames = decoded(codec, packets)
    assert min(psnr(frame, moving(of, number)) for number, frame in enumerate(frames)) > 33


@pytest.mark.parametrize("way", WAYS_TO_COUNT)
@pytest.mark.parametrize("codec", CODECS)
def test_every_pts_comes_back_exactly(codec: LiveCodec, way: str) -> None:
    time_base, pts = WAYS_TO_COUNT[way]
    _, packets = encoded(facts(64, 48, time_base=time_base), LiveOutput(codec=codec), pts)
    assert [packet.pts for packet in packets] == pts


@pytest.mark.parametrize("codec", CODECS)
def test_key_frames_come_where_they_are_asked_for_and_decoding_can_begin_there(codec: LiveCodec) -> None:
    of = facts()
    _, packets = encoded(of, LiveOutput(codec=codec), TWELVE, keys={5, 6})
    assert [packet.pts for packet in packets if packet.key] == [0, 5 * 3600, 6 * 3600]
    frames = decoded(codec, packets[6:])
    assert [frame.pts for frame in frames] == TWELVE[6:]
    assert min(psnr(frame, moving(of, 6 + number)) for number, frame in enumerate(frames)) > 32


@pytest.mark.parametrize("codec", CODECS)
def test_the_header_is_there_from_the_beginning_and_before_every_key_frame(codec: LiveCodec) -> None:
    header = coder_of(facts(), LiveOutput(codec=codec)).header
    encoder, packets = encoded(facts(), LiveOutput(codec=codec), TWELVE, keys={4})
    assert encoder.header == encoder.track.header == header != b""
    assert [header in packet.body for packet in packets] == [packet.key for packet in packets]
    if codec in PARAMETER_SETS:
        assert set(units_of(codec, header)) == PARAMETER_SETS[codec]
        assert packets[0].body.startswith((b"\0\0\0\1", b"\0\0\1"))


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (16, 16), (33, 98)])
@pytest.mark.parametrize("codec", CODECS)
def test_any_size_is_encoded(codec: LiveCodec, size: tuple[int, int]) -> None:
    of = facts(*size)
    _, packets = encoded(of, LiveOutput(codec=codec, quality=0.95), TWELVE[:4])
    frames = decoded(codec, packets)
    assert (frames[0].width, frames[0].height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert min(psnr(frame, moving(of, number)) for number, frame in enumerate(frames)) > 30


@pytest.mark.parametrize("codec", CODECS)
def test_the_tags_of_the_source_are_in_the_stream(codec: LiveCodec) -> None:
    of = facts(
        colour=Colour(Matrix.BT2020, full_range=True), colour_primaries=9, colour_transfer=16, colour_matrix=9,
        sample_aspect=(16, 11),
    )  # fmt: skip
    _, packets = encoded(of, LiveOutput(codec=codec), TWELVE[:2])
    frame = decoded(codec, packets)[0]
    assert (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range) == (9, 16, 9, 2)


def test_an_encoder_that_waits_for_the_next_picture_is_none() -> None:
    def slowly(options: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in options.items() if name != "tune"}

    with pytest.raises(NvencFailed, match="0 packets for a picture"):
        coder_of(facts(), LiveOutput(), faulty(slowly))


def test_an_encoder_that_keeps_its_header_to_itself_is_none() -> None:
    with pytest.raises(NvencFailed, match="no parameter sets"):
        coder_of(facts(), LiveOutput(), faulty(lambda options: options | {"x264-params": "repeat-headers=0"}))


def test_an_encoder_that_makes_no_key_frame_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    of, device = facts(), EmulatedCard()
    monkeypatch.setattr(nvenc, "PictureType", SimpleNamespace(I=0, NONE=0))  # it does not hear of what is asked
    coder = coder_of(of, LiveOutput())
    surface = SurfaceCopies(device).here(uploaded(device, moving(of, 0)))
    coder.encode(surface, 0, 1, key=False)
    with pytest.raises(NvencFailed, match="key frame"):
        coder.encode(surface, 1, 1, key=True)


def test_an_encoder_that_cannot_be_opened_says_why() -> None:
    with pytest.raises(NvencFailed, match="Invalid argument"):
        coder_of(facts(), LiveOutput(), faulty(lambda options: options | {"profile": "nonsense"}))


def test_an_ffmpeg_without_it_says_so() -> None:
    def absent(output: LiveOutput) -> CodecSettings:
        return stand_in(output)._replace(encoder="absent_nvenc")

    with pytest.raises(NvencFailed, match="no absent_nvenc"):
        coder_of(facts(), LiveOutput(), absent)


@pytest.mark.parametrize("codec", CODECS)
def test_without_a_card_the_real_one_is_not_to_be_had(codec: LiveCodec) -> None:
    of, device = facts(), EmulatedCard()
    with pytest.raises(NvencFailed, match=r"\w"):
        NvencCoder(there(of), LiveOutput(codec=codec), device, Surface.blank(device, of.geometry, of.colour))
