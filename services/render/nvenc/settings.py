"""How NVENC is asked for what a live output wants. Words and numbers of FFmpeg's encoders (8.1).

Quality 0..1 is a constant quantiser: the number that x264 and x265 have as crf at the same quality, and for AV1 four
times SVT-AV1's, whose 64 steps stand for the 256 of the codec. What that gives in dB has not been measured: no card
with NVENC was at hand. A bitrate is held within a buffer of one second.

There are no B-pictures, with low delay and without: every packet comes from the call of its own picture either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.render.encoding.codec_settings import CodecSettings
from services.render.encoding.files import FIELDS
from shared.model.live import LiveCodec

if TYPE_CHECKING:
    from shared.model.live import LiveOutput
    from shared.model.media import VideoFacts

PIXELS: Final = "nv12"
"""FFmpeg's name of what it is given."""
QUANTISERS: Final = {LiveCodec.H264: (38, 13), LiveCodec.HEVC: (39, 13), LiveCodec.AV1: (236, 36)}
"""At quality 0 and at 1, of the codecs that NVENC may know."""
LEAST_SIDE, MOST_SIDE = 160, 4096
"""Of what is encoded as H.264, in pixels. Cards want 145 columns and 49 to 145 rows at least, by what people tell of
them, and take 4096 of both at most by NVIDIA's table (Video Codec SDK 13, NVENC application note)."""
_ENCODERS: Final = {LiveCodec.H264: "h264_nvenc", LiveCodec.HEVC: "hevc_nvenc", LiveCodec.AV1: "av1_nvenc"}
_PROFILES: Final = {LiveCodec.H264: "high", LiveCodec.HEVC: "main"}
_AT_ONCE: Final = {"bf": "0", "delay": "0", "zerolatency": "1", "rc-lookahead": "0", "forced-idr": "1"}


def nvenc_settings(output: LiveOutput) -> CodecSettings:
    """What to open an encoder with. Raises ValueError for a codec that NVENC does not know."""
    if output.codec not in QUANTISERS:
        raise ValueError(f"NVENC does not know {output.codec}")
    options = {"preset": "p4", "tune": "ull" if output.low_delay else "hq", **_AT_ONCE, **_rate(output)}
    if output.codec in _PROFILES:
        options["profile"] = _PROFILES[output.codec]
    return CodecSettings(_ENCODERS[output.codec], PIXELS, options)


def is_for_x264(facts: VideoFacts) -> bool:
    """Whether a job's video is one that no NVENC encodes: interlaced, too small or too large.

    By the facts alone, so that every lane and card says the same: parts of one video are joined.
    """
    sides = facts.geometry.width, facts.geometry.height
    return facts.field_order in FIELDS or min(sides) < LEAST_SIDE or max(sides) > MOST_SIDE


def _rate(output: LiveOutput) -> dict[str, str]:
    if output.bitrate_kbps:
        bits = str(output.bitrate_kbps * 1000)
        return {"rc": "cbr", "b": bits, "maxrate": bits, "bufsize": bits}
    worst, best = QUANTISERS[output.codec]
    return {"rc": "constqp", "qp": str(round(worst + (best - worst) * output.quality))}
