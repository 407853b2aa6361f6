"""NVENC without a card: FFmpeg's encoders on the CPU, opened as it is opened and fed from an emulated card's memory.

What they have in common is what our code relies on: headers come in the stream before every key frame and nowhere else,
a packet comes for each picture at once, a picture that is forced is one that decoding can begin at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.render.encoding.codec_settings import CodecSettings, settings_of
from services.render.nvenc.settings import nvenc_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.live import LiveOutput

GIVES_AT_ONCE: Final = {"delay": "0", "zerolatency": "1", "bf": "0", "forced-idr": "1"}


def stand_in(output: LiveOutput) -> CodecSettings:
    """Of the CPU, for what NVENC would be asked for; what NVENC is not asked for as it must be is refused here."""
    real = nvenc_settings(output)
    assert real.pixels == "nv12"
    assert GIVES_AT_ONCE.items() <= real.options.items()
    at_once = type(output)(**{name: getattr(output, name) for name in output.__struct_fields__} | {"low_delay": True})
    asked = settings_of(at_once, threads=1)
    if asked.encoder != "libx264":
        return asked
    options = dict(asked.options)
    if options.pop("crf", None) is not None:
        options["qp"] = real.options["qp"]  # a constant quantiser, by the same word
    return CodecSettings(asked.encoder, real.pixels, options)


def faulty(change: Callable[[dict[str, str]], dict[str, str]]) -> Callable[[LiveOutput], CodecSettings]:
    """One that is opened with other options."""

    def settings(output: LiveOutput) -> CodecSettings:
        right = stand_in(output)
        return CodecSettings(right.encoder, right.pixels, change(dict(right.options)))

    return settings
