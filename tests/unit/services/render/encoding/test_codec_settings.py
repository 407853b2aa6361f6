from __future__ import annotations

import pytest

from services.render.encoding.codec_settings import GOP_FRAMES, settings_of
from shared.model.live import LiveCodec, LiveOutput
from tests.unit.services.render.live import CODED


@pytest.mark.parametrize("codec", CODED)
def test_a_bitrate_takes_the_place_of_quality(codec: LiveCodec) -> None:
    by_quality = settings_of(LiveOutput(codec=codec)).options
    by_rate = settings_of(LiveOutput(codec=codec, bitrate_kbps=1500)).options
    assert by_rate["b"] == by_rate["bufsize"] == "1500000"
    assert by_quality.keys() & {"crf", "qmin"}
    assert not by_rate.keys() & {"crf", "qmin"}


@pytest.mark.parametrize(("quality", "scale"), [(0, "31"), (0.6, "6"), (1, "2")])
def test_the_scale_of_jpeg_is_logarithmic(quality: float, scale: str) -> None:
    options = settings_of(LiveOutput(codec=LiveCodec.MJPEG, quality=quality)).options
    assert (options["qmin"], options["qmax"]) == (scale, scale)


def test_the_preset_is_that_of_x264_alone() -> None:
    assert settings_of(LiveOutput(), x264_preset="medium").options["preset"] == "medium"
    assert settings_of(LiveOutput(codec=LiveCodec.HEVC), x264_preset="medium").options["preset"] != "medium"


def test_threads_are_said_to_x265_in_its_own_words() -> None:
    assert ":pools=3" in settings_of(LiveOutput(codec=LiveCodec.HEVC), 3).options["x265-params"]
    assert "pools" not in settings_of(LiveOutput(codec=LiveCodec.HEVC)).options["x265-params"]


@pytest.mark.parametrize("codec", [codec for codec in LiveCodec if codec.is_raw])
def test_raw_codecs_need_no_encoder(codec: LiveCodec) -> None:
    with pytest.raises(ValueError, match="needs no encoder"):
        settings_of(LiveOutput(codec=codec))


def test_no_encoder_places_key_frames_by_itself_within_the_longest_interval() -> None:
    longest_seconds, highest_rate = 60, 1000
    assert longest_seconds * highest_rate < GOP_FRAMES
