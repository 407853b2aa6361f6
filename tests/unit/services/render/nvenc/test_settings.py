from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import av.error
import av.logging
import pytest

from services.render.encoding.codec_settings import settings_of
from services.render.nvenc.settings import QUANTISERS, is_for_x264, nvenc_settings
from shared.model.live import LiveCodec, LiveOutput
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

OUTPUTS = [
    {"quality": 0.0}, {"quality": 0.6}, {"quality": 1.0}, {"low_delay": False}, {"bitrate_kbps": 1},
    {"bitrate_kbps": 200_000},
]  # fmt: skip


def refusal(encoder: str, options: dict[str, str]) -> str:
    """What the real encoder says to being opened: no option is at fault where it gets as far as asking for a card."""
    context = cast("VideoCodecContext", av.CodecContext.create(encoder, "w"))
    context.width, context.height, context.pix_fmt, context.time_base = 320, 240, "nv12", Fraction(1, 25)
    context.options = options
    try:
        context.open()
    except (av.error.ArgumentError, av.error.OverflowError, av.error.OptionNotFoundError) as error:
        return str(error)
    except av.error.FFmpegError:
        return ""
    return ""


@pytest.mark.parametrize("wanted", OUTPUTS, ids=str)
@pytest.mark.parametrize("codec", QUANTISERS)
def test_the_real_encoder_takes_every_option(codec: LiveCodec, wanted: dict[str, object]) -> None:
    settings = nvenc_settings(LiveOutput(codec=codec, **wanted))
    assert refusal(settings.encoder, settings.options) == ""
    for name in settings.options:  # each is known there by that name: nonsense for it is told apart from others
        assert refusal(settings.encoder, {**settings.options, name: "nonsense"}), name


@pytest.mark.parametrize("codec", QUANTISERS)
def test_a_bitrate_takes_the_place_of_quality(codec: LiveCodec) -> None:
    by_quality = nvenc_settings(LiveOutput(codec=codec)).options
    by_rate = nvenc_settings(LiveOutput(codec=codec, bitrate_kbps=1500)).options
    assert by_rate["b"] == by_rate["bufsize"] == by_rate["maxrate"] == "1500000"
    assert ("qp" in by_quality, "qp" in by_rate) == (True, False)


@pytest.mark.parametrize(("codec", "times"), [(LiveCodec.H264, 1), (LiveCodec.HEVC, 1), (LiveCodec.AV1, 4)])
def test_quality_is_the_number_that_the_cpus_encoder_has(codec: LiveCodec, times: int) -> None:
    for quality in (0.0, 0.3, 0.6, 1.0):
        output = LiveOutput(codec=codec, quality=quality)
        crf = float(settings_of(output).options["crf"])
        assert int(nvenc_settings(output).options["qp"]) == pytest.approx(times * crf, abs=0.6)


@pytest.mark.parametrize("codec", [LiveCodec.VP9, LiveCodec.MJPEG, LiveCodec.NV12])
def test_others_are_not_known(codec: LiveCodec) -> None:
    with pytest.raises(ValueError, match="does not know"):
        nvenc_settings(LiveOutput(codec=codec))


@pytest.mark.parametrize(
    ("width", "height", "field_order", "for_x264"),
    [
        (160, 160, 0, False),
        (159, 300, 0, True),
        (300, 159, 0, True),
        (4096, 4096, 0, False),
        (4097, 200, 0, True),
        (200, 4097, 0, True),
        (640, 480, 1, True),
        (640, 480, 2, True),
    ],
)
def test_what_no_card_encodes_of_a_job_is_known_by_the_facts(
    width: int, height: int, field_order: int, for_x264: bool
) -> None:
    for pixels in (PixelFormat.I420, PixelFormat.NV12):  # wherever they lie
        facts = VideoFacts(
            geometry=Geometry(pixels, width, height), colour=Colour(), time_base=(1, 25), frame_rate=(25, 1),
            field_order=field_order,
        )  # fmt: skip
        assert is_for_x264(facts) is for_x264
