"""The coder of a card, by encoders of the CPU that are opened in NVENC's place and read an emulated card's memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render.chroma import split
from services.render.cuda.surface_copies import SurfaceCopies
from services.render.encoding.live import LiveEncoder
from services.render.nvenc import coder as nvenc
from services.render.nvenc.coder import CardFrames, NvencCoder, NvencFailed
from services.render.nvenc.settings import QUANTISERS
from services.render.surface import Surface
from shared.model.live import LiveCodec, LiveOutput
from shared.model.pictures import Colour, Matrix, PixelFormat
from tests.cuda.devices import BOTH, opened
from tests.cuda.emulated import EmulatedCard
from tests.cuda.likeness import uploaded
from tests.cuda.nvenc_stand_in import faulty, stand_in
from tests.unit.services.render.encoding.test_live import PARAMETER_SETS, WAYS_TO_COUNT, units_of
from tests.unit.services.render.live import decoded, facts, moving, psnr
from tests.unit.services.render.pictures import same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from services.render.encoding.codec_settings import CodecSettings
    from services.render.encoding.packets import EncodedPacket
    from shared.model.media import VideoFacts
    from tests.cuda.devices import Kind

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


class Entered(EmulatedCard):
    """Says that it is a card of CUDA, and remembers whether its context is the current one."""

    memory = "cuda"
    is_current = False

    @contextmanager
    def current(self) -> Iterator[None]:
        self.is_current = True
        yield
        self.is_current = False


def test_a_frame_is_made_while_the_context_of_the_card_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg refuses CuPy's by `primary_ctx`, and would make one of its own without both."""
    device, asked, seen = Entered(), list[Any](), list[bool]()

    class Plane(np.ndarray):
        def __dlpack__(self, **wanted: Any) -> Any:
            seen.append(device.is_current)
            return super().__dlpack__(**wanted)

    monkeypatch.setattr(nvenc, "CudaContext", lambda *of, **options: asked.append((of, options)))
    blank = Surface.blank(device, facts().geometry, facts().colour)
    luma, chroma = (plane.view(Plane) for plane in blank.even)
    frame = CardFrames(device).of(Surface(blank.picture, (luma, chroma)))
    assert (frame.width, frame.height) == blank.even[0].shape[::-1]
    assert asked == [((0,), {"primary_ctx": False, "current_ctx": True})]
    assert (seen, device.is_current) == ([True, True], False)


@pytest.mark.parametrize("kind", BOTH)
def test_a_frame_lies_where_the_surface_does_and_leaves_the_card_as_it_was(kind: Kind) -> None:
    """In a thread, too, in which nothing of CUDA has run; where there is NVENC, and where there is none."""
    device, of = opened(kind), facts(131, 97)
    surface, made = SurfaceCopies(device).here(uploaded(device, moving(of, 1))), list[Any]()

    def make() -> None:
        frame = CardFrames(device).of(surface)
        made.append((frame.format.name, frame.width, frame.height))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(make).result()
    make()
    assert made == [("cuda" if device.memory == "cuda" else "nv12", 132, 98)] * 2
    assert device.works()
    assert same(split(surface.picture.downloaded(device)), moving(of, 1))


@pytest.mark.parametrize("error", [TypeError, BufferError, MemoryError, RuntimeError])
def test_whatever_a_frame_cannot_be_made_for_the_encoder_has_failed(error: type[Exception]) -> None:
    class Plane(np.ndarray):
        def __dlpack__(self, **_: Any) -> Any:
            raise error("not like this.\nAt line 7")

    of, coder = facts(), coder_of(facts(), LiveOutput())
    blank = Surface.blank(EmulatedCard(), of.geometry, of.colour)
    luma, chroma = (plane.view(Plane) for plane in blank.even)
    with pytest.raises(NvencFailed, match=r"^not like this$"):
        coder.encode(Surface(blank.picture, (luma, chroma)), 0, 1, key=True)
