"""Whether a card has encoders at all: asked of PyNvVideoCodec.

Not in a worker: on a card that has some it opens one, and nobody has seen what a driver does then.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any


def has_none(number: int, library: Any = None) -> bool:
    """Whether a card says that it has no engines that encode; False, too, where it cannot be asked.

    number: of the card, as CUDA counts them, from 0. library: PyNvVideoCodec; None: the real one.
    """
    try:
        # In a thread of its own, whose current CUDA context it leaves another than it found (2.2.4).
        with ThreadPoolExecutor(1) as thread:
            caps = thread.submit(_asked, library, number).result()
    except Exception:  # noqa: BLE001  -- the library's own classes have no common root; the trial will tell
        return False
    return bool(caps) and caps.get("num_encoder_engines") == 0


def _asked(library: Any, number: int) -> Any:
    return (library or _library()).GetEncoderCaps(gpuid=number, codec="h264")


def _library() -> Any:
    """Only where there is a card. Raises ImportError, or what the library raises without its driver."""
    import PyNvVideoCodec  # noqa: PLC0415

    return PyNvVideoCodec
