"""Whether a card has encoders at all: asked of PyNvVideoCodec."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any


def why_none(number: int, library: Any = None) -> str:
    """Why nothing can be encoded on a card, as half a sentence; empty if it says that it has engines for that.

    number: of the card, as CUDA counts them, from 0. library: PyNvVideoCodec; None: the real one.
    """
    try:
        # In a thread of its own, whose current CUDA context it leaves another than it found (2.2.4).
        with ThreadPoolExecutor(1) as thread:
            caps = thread.submit(_asked, library, number).result()
    except Exception as error:  # noqa: BLE001  -- the library's own classes have no common root
        return f"its encoders cannot be asked for ({next(iter(str(error).splitlines()), type(error).__name__)})"
    return "" if caps and caps.get("num_encoder_engines", 0) > 0 else "it has no NVENC"


def _asked(library: Any, number: int) -> Any:
    return (library or _library()).GetEncoderCaps(gpuid=number, codec="h264")


def _library() -> Any:
    """Only where there is a card. Raises ImportError, or what the library raises without its driver."""
    import PyNvVideoCodec  # noqa: PLC0415

    return PyNvVideoCodec
