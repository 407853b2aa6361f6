"""How each codec is asked for what a live output wants. Words and numbers of FFmpeg's encoders, nothing is opened here.

Quality 0..1 is each encoder's own scale, drawn so that equal quality is about equal PSNR; on a clip of a signing person
(640x360) these are 35, 45 and 51 dB:

    quality         0     0.6     1
    x264 crf       38    23      13
    x265 crf       39    23.4    13
    SVT-AV1 crf    59    29       9
    VP9 crf        60    30      10
    MJPEG qscale   31     6       2     (34, 43 and 49 dB; logarithmic between)

A bitrate is held within a buffer of one second. SVT-AV1 can do so with low delay only; else it is an average.

Key frames are asked for one by one (`live.py`): no encoder places any by itself within GOP_FRAMES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from shared.model.live import LiveCodec

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.live import LiveOutput

X264_PRESET: Final = "superfast"
"""At 1280x720 with one thread and low delay: ultrafast 4.9 ms a frame, superfast 7.3, veryfast 13.2; at equal crf they
take 100, 83 and 74 % of the bytes, ultrafast being 0.5 dB worse."""
GOP_FRAMES: Final = 100_000
"""More than there are in the longest interval between key frames (60 s) at the highest rate (1000 a second)."""


class CodecSettings(NamedTuple):
    """Which of FFmpeg's encoders, and with which options."""

    encoder: str
    pixels: str
    """FFmpeg's name of the pixel format that it takes."""
    options: dict[str, str]


def settings_of(output: LiveOutput, threads: int = 0, x264_preset: str = X264_PRESET) -> CodecSettings:
    """What to open an encoder with. threads: 0 leaves it to the encoder. Raises ValueError for a raw codec."""
    if output.codec not in _SETTINGS:
        raise ValueError(f"{output.codec} needs no encoder")
    return _SETTINGS[output.codec](output, threads, x264_preset)


def _h264(output: LiveOutput, threads: int, preset: str) -> CodecSettings:  # noqa: ARG001  -- threads are the context's
    delay = {"tune": "zerolatency"} if output.low_delay else {}
    params = {"x264-params": "repeat-headers=1:scenecut=0", "forced-idr": "1"}
    rate = _held(output) or {"crf": _between(38, 13, output.quality)}
    return CodecSettings("libx264", "yuv420p", {"preset": preset, **delay, **params, **rate})


def _hevc(output: LiveOutput, threads: int, preset: str) -> CodecSettings:  # noqa: ARG001  -- x264's
    params = "repeat-headers=1:scenecut=0:open-gop=0:info=0:log-level=none"
    params += f":pools={threads}" if threads else ""
    params += ":frame-threads=1" if output.low_delay else ""
    delay = {"tune": "zerolatency"} if output.low_delay else {}
    rate = _held(output) or {"crf": _between(39, 13, output.quality)}
    options = {"preset": "ultrafast", "forced-idr": "1", "x265-params": params, **delay, **rate}
    return CodecSettings("libx265", "yuv420p", options)


def _av1(output: LiveOutput, threads: int, preset: str) -> CodecSettings:  # noqa: ARG001  -- threads are the context's
    rate = _held(output) or {"crf": _between(59, 9, output.quality)}
    if not output.low_delay:
        rate.pop("maxrate", None)  # equal to the average it would ask for what SVT-AV1 does with low delay only
    # scm: looking for what might be a screen makes key frames take three times as long.
    params = "pred-struct=1:lookahead=0:rtc=1:scd=0:scm=0" if output.low_delay else "pred-struct=2:scd=0:scm=0"
    options = {"preset": "11" if output.low_delay else "9", "svtav1-params": params}
    return CodecSettings("libsvtav1", "yuv420p", {**options, **rate})


def _vp9(output: LiveOutput, threads: int, preset: str) -> CodecSettings:  # noqa: ARG001  -- threads are the context's
    """Never with frames in advance: libvpx's way of using them is too slow for live pictures."""
    speed = {"deadline": "realtime", "cpu-used": "8" if output.low_delay else "7", "lag-in-frames": "0"}
    held = _held(output)
    rate = {**held, "minrate": held["b"]} if held else {"crf": _between(60, 10, output.quality), "b": "0"}
    return CodecSettings("libvpx-vp9", "yuv420p", {**speed, "row-mt": "1", "tile-columns": "2", **rate})


def _mjpeg(output: LiveOutput, threads: int, preset: str) -> CodecSettings:  # noqa: ARG001  -- threads are the context's
    scale = str(round(31 * (2 / 31) ** output.quality))
    rate = _held(output) or {"qmin": scale, "qmax": scale}
    return CodecSettings("mjpeg", "yuvj420p", rate)


_SETTINGS: dict[LiveCodec, Callable[[LiveOutput, int, str], CodecSettings]] = {
    LiveCodec.H264: _h264,
    LiveCodec.HEVC: _hevc,
    LiveCodec.AV1: _av1,
    LiveCodec.VP9: _vp9,
    LiveCodec.MJPEG: _mjpeg,
}


def _held(output: LiveOutput) -> dict[str, str]:
    """Options that hold the bitrate within a buffer of one second; empty where quality counts."""
    bits = str(output.bitrate_kbps * 1000)
    return {"b": bits, "maxrate": bits, "bufsize": bits} if output.bitrate_kbps else {}


def _between(worst: float, best: float, quality: float) -> str:
    """A number on an encoder's scale."""
    return f"{worst + (best - worst) * quality:.3f}"
